//! Queries, expressions, labels, pages, and what is refused.

use hearth_engine::Conclusion;
use hearth_metering::MeteringOptions;
use hearth_wire::cloudwatch::{MetricDataQuery, MetricStat, StandardUnit, StatusCode};

use super::*;
use crate::testing::{after_start, context, counter, invocation, metric_of_f, refusal, sample, timestamp};

fn metric(id: &str, name: &str, stat: &str) -> MetricDataQuery {
    MetricDataQuery {
        id: id.to_owned(),
        metric_stat: Some(MetricStat {
            metric: metric_of_f(name),
            period: 60,
            stat: stat.to_owned(),
            unit: None,
        }),
        ..Default::default()
    }
}

fn expression(id: &str, text: &str) -> MetricDataQuery {
    MetricDataQuery {
        id: id.to_owned(),
        expression: Some(text.to_owned()),
        ..Default::default()
    }
}

fn request(metric_data_queries: Vec<MetricDataQuery>) -> GetMetricDataInput {
    GetMetricDataInput {
        metric_data_queries,
        start_time: timestamp(0),
        end_time: timestamp(600),
        next_token: None,
        scan_by: Some(ScanBy::TimestampAscending),
        max_datapoints: None,
        label_options: None,
    }
}

/// The id, the label and the points of a result.
type Answer = (String, String, Vec<(u64, f64)>);

fn answers(output: GetMetricDataOutput) -> Vec<Answer> {
    let results = output.metric_data_results.unwrap().into_iter();
    results
        .map(|result| {
            let times = result.timestamps.unwrap().into_iter();
            let times = times.map(|time| after_start(time.0));
            let points = times.zip(result.values.unwrap()).collect();
            (result.id.unwrap(), result.label.unwrap(), points)
        })
        .collect()
}

fn ask(queries: Vec<MetricDataQuery>) -> Result<Vec<Answer>, AwsError> {
    run(&sample(), &context(), request(queries)).map(answers)
}

fn points(queries: Vec<MetricDataQuery>) -> Vec<Vec<(u64, f64)>> {
    let answers = ask(queries).unwrap().into_iter();
    answers.map(|(_, _, points)| points).collect()
}

#[test]
fn statistics_of_several_metrics_are_answered_in_order() {
    assert_eq!(
        ask(vec![
            metric("i", "Invocations", "Sum"),
            metric("d", "Duration", "Average")
        ])
        .unwrap(),
        [
            (
                "i".into(),
                "Invocations".into(),
                vec![(0, 2.0), (60, 1.0), (180, 1.0)]
            ),
            (
                "d".into(),
                "Duration".into(),
                vec![(0, 20.0), (60, 50.0), (180, 70.0)]
            ),
        ]
    );
}

#[test]
fn the_newest_comes_first_unless_asked_otherwise() {
    for scan_by in [None, Some(ScanBy::TimestampDescending)] {
        let input = GetMetricDataInput {
            scan_by,
            ..request(vec![metric("e", "Errors", "Sum")])
        };
        let found = answers(run(&sample(), &context(), input).unwrap());
        assert_eq!(found[0].2, [(180, 0.0), (60, 0.0), (0, 1.0)]);
    }
}

#[test]
fn periods_begin_with_the_range() {
    let mut query = metric("i", "Invocations", "Sum");
    query.metric_stat.as_mut().unwrap().period = 300;
    let input = GetMetricDataInput {
        start_time: timestamp(60),
        end_time: timestamp(3600),
        ..request(vec![query])
    };
    assert_eq!(
        answers(run(&sample(), &context(), input).unwrap())[0].2,
        [(60, 2.0)]
    );
}

#[test]
fn what_is_not_metered_has_no_values() {
    let mut seconds = metric("d", "Duration", "Sum");
    seconds.metric_stat.as_mut().unwrap().unit = Some(StandardUnit::Seconds);
    let queries = vec![
        metric("n", "Nope", "Sum"),
        metric("c", "ConcurrentExecutions", "p50"),
        seconds,
    ];
    assert_eq!(points(queries), [[]; 3]);
}

#[test]
fn expressions_use_the_results_of_queries_and_of_each_other() {
    let hidden = |query| MetricDataQuery {
        return_data: Some(false),
        ..query
    };
    let queries = vec![
        expression("rate", "100 * share"),
        hidden(expression("share", "errors / invocations")),
        hidden(metric("errors", "Errors", "Sum")),
        hidden(metric("invocations", "Invocations", "Sum")),
    ];
    let expected = (
        "rate".into(),
        "rate".into(),
        vec![(0, 50.0), (60, 0.0), (180, 0.0)],
    );
    assert_eq!(ask(queries).unwrap(), [expected]);
}

#[test]
fn an_array_answers_each_of_its_series() {
    let queries = vec![
        metric("m1", "Invocations", "Sum"),
        metric("m2", "Errors", "Sum"),
        expression("all", "METRICS() * 10"),
        expression("sum", "SUM(METRICS())"),
    ];
    let found = ask(queries).unwrap();
    let ids: Vec<&str> = found.iter().map(|(id, _, _)| id.as_str()).collect();
    assert_eq!(ids, ["m1", "m2", "all", "all", "sum"]);
    assert_eq!(found[3].2, [(0, 10.0), (60, 0.0), (180, 0.0)]);
    assert_eq!(found[4].2, [(0, 3.0), (60, 1.0), (180, 1.0)]);
}

#[test]
fn gaps_are_filled_up_to_now() {
    let mut input = request(vec![
        metric("m", "Invocations", "Sum"),
        expression("f", "FILL(m, 0)"),
    ]);
    input.start_time = timestamp(3300);
    input.end_time = timestamp(36_000);
    let found = answers(run(&sample(), &context(), input).unwrap());
    let times: Vec<u64> = found[1].2.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [3300, 3360, 3420, 3480, 3540, 3600]);
}

#[test]
fn a_range_without_end_fills_no_memory() {
    let mut input = request(vec![
        metric("m", "Invocations", "Sum"),
        expression("f", "FILL(m, 0)"),
    ]);
    input.start_time = hearth_wire::Timestamp(std::time::UNIX_EPOCH);
    let refused = refusal(run(&sample(), &context(), input));
    assert_eq!(refused.0, "ValidationError");
    assert!(
        refused
            .1
            .starts_with("Error in expression 'f': it has too many datapoints"),
        "{}",
        refused.1
    );
}

#[test]
fn labels_are_dynamic() {
    let labelled = |label: &str| MetricDataQuery {
        label: Some(label.to_owned()),
        ..metric("i", "Invocations", "Sum")
    };
    for (label, expected) in [
        ("plain", "plain"),
        ("${LABEL} of ${PROP('Dim.FunctionName')}", "Invocations of f"),
        (
            "${PROP('Namespace')}/${PROP('MetricName')} ${PROP('Stat')}/${PROP('Period')}",
            "AWS/Lambda/Invocations Sum/60",
        ),
        ("${PROP('Region')} ${PROP('AccountId')}", "us-east-1 000000000000"),
        ("max ${MAX} min ${MIN} sum ${SUM}", "max 2 min 1 sum 4"),
        ("${FIRST}..${LAST} of ${DATAPOINT_COUNT}", "2..1 of 3"),
        ("${MAX_TIME} ${NOPE} ${", "${MAX_TIME} ${NOPE} ${"),
    ] {
        assert_eq!(ask(vec![labelled(label)]).unwrap()[0].1, expected);
    }
}

#[test]
fn pages_hold_what_one_page_would() {
    let queries = || {
        vec![
            metric("i", "Invocations", "Sum"),
            expression("all", "METRICS() + 1"),
            metric("d", "Duration", "Maximum"),
        ]
    };
    for scan_by in [ScanBy::TimestampAscending, ScanBy::TimestampDescending] {
        let page = |most, token| {
            let input = GetMetricDataInput {
                max_datapoints: most,
                next_token: token,
                scan_by: Some(scan_by),
                ..request(queries())
            };
            run(&sample(), &context(), input).unwrap()
        };
        let whole = answers(page(None, None));
        for most in 1..=13 {
            let mut pieces: Vec<Answer> = Vec::new();
            let mut token = None;
            loop {
                let output = page(Some(most), token);
                token = output.next_token.clone();
                let partial = output
                    .metric_data_results
                    .iter()
                    .flatten()
                    .filter(|result| result.status_code == Some(StatusCode::PartialData));
                assert!(partial.count() <= usize::from(token.is_some()));
                let found = answers(output);
                assert!(found.iter().map(|(_, _, points)| points.len()).sum::<usize>() <= most as usize);
                pieces.extend(found);
                if token.is_none() {
                    break;
                }
            }
            let flat = |answers: &[Answer]| -> Vec<(String, u64, f64)> {
                let all = answers
                    .iter()
                    .flat_map(|(id, _, points)| points.iter().map(|(at, value)| (id.clone(), *at, *value)));
                all.collect()
            };
            assert_eq!(flat(&pieces), flat(&whole), "{most} {scan_by}");
        }
    }
}

#[test]
fn a_token_of_another_request_is_refused() {
    let input = GetMetricDataInput {
        next_token: Some(base64_of("7.0.")),
        ..request(vec![metric("i", "Invocations", "Sum")])
    };
    let expected = ("InvalidNextToken".into(), "The token is not valid.".into());
    assert_eq!(refusal(run(&sample(), &context(), input)), expected);
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut half_a_minute = metric("i", "Invocations", "Sum");
    half_a_minute.metric_stat.as_mut().unwrap().period = 30;
    let input = GetMetricDataInput {
        end_time: timestamp(0),
        max_datapoints: Some(100_801),
        ..request(vec![
            half_a_minute,
            metric("j", "Errors", "median"),
            metric("k", "Errors", "tm90"),
        ])
    };
    let (code, message) = refusal(run(&sample(), &context(), input));
    assert_eq!(code, "ValidationError");
    assert_eq!(
        message,
        "The parameter StartTime must not equal parameter EndTime.\n\
         The value 100801 for parameter MaxDatapoints must be between 1 and 100800.\n\
         The parameter MetricDataQueries.member.1.MetricStat.Period must be a multiple of 60.\n\
         The value for parameter MetricDataQueries.member.2.MetricStat.Stat is not a valid statistic.\n\
         The value for parameter MetricDataQueries.member.3.MetricStat.Stat is a statistic that Hearth does not support \
         yet.\n"
    );
}

#[test]
fn queries_that_cannot_be_answered_say_why() {
    let i = || metric("i", "Invocations", "Sum");
    let both = MetricDataQuery {
        expression: Some("i".to_owned()),
        ..i()
    };
    let nameless = MetricDataQuery {
        metric_stat: Some(MetricStat {
            metric: hearth_wire::cloudwatch::Metric::default(),
            period: 60,
            stat: "Sum".to_owned(),
            unit: None,
        }),
        ..MetricDataQuery {
            id: "i".to_owned(),
            ..Default::default()
        }
    };
    let foreign = MetricDataQuery {
        account_id: Some("111111111111".to_owned()),
        ..i()
    };
    let path = "MetricDataQueries.member.1";
    for (queries, expected) in [
        (
            vec![],
            "The parameter MetricDataQueries is required.\n".to_owned(),
        ),
        (
            (0..501)
                .map(|number| metric(&format!("m{number}"), "Errors", "Sum"))
                .collect(),
            "The collection MetricDataQueries must not have a size greater than 500.\n".to_owned(),
        ),
        (
            vec![i(), i()],
            "The values for parameter id in MetricDataQueries are not unique.\n".to_owned(),
        ),
        (
            vec![metric("I", "Errors", "Sum")],
            format!(
                "The value I for parameter {path}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.\n"
            ),
        ),
        (
            vec![both],
            format!(
                "The parameters {path}.MetricStat and {path}.Expression are mutually exclusive and you have specified both.\n"
            ),
        ),
        (
            vec![MetricDataQuery {
                id: "i".to_owned(),
                ..Default::default()
            }],
            format!("The parameter {path}.MetricStat or {path}.Expression is required.\n"),
        ),
        (
            vec![nameless],
            format!(
                "The parameters {path}.MetricStat.Metric.Namespace and {path}.MetricStat.Metric.MetricName are required.\n"
            ),
        ),
        (
            vec![foreign],
            format!("Hearth does not support another account as {path}.AccountId yet.\n"),
        ),
        (
            vec![expression("e", "i + 1")],
            "Error in expression 'e': there is no query with the id i\n".to_owned(),
        ),
        (
            vec![expression("e", "g + 1"), expression("g", "e + 1")],
            "Error in expression 'e': it depends on itself\nError in expression 'g': it depends on itself\n"
                .to_owned(),
        ),
        (
            vec![i(), expression("e", "STDDEV(i)")],
            "Error in expression 'e': Hearth does not support the function STDDEV yet\n".to_owned(),
        ),
        (
            vec![i(), expression("e", "SUM(i)")],
            "Error in expression 'e': the result is not a time series".to_owned(),
        ),
    ] {
        assert_eq!(refusal(ask(queries)), ("ValidationError".to_owned(), expected));
    }
}

#[test]
fn another_region_has_metrics_of_its_own() {
    let mut context = context();
    context.scope.region = hearth_types::Region::parse("eu-west-1").unwrap();
    let input = request(vec![metric("i", "Invocations", "Sum")]);
    assert_eq!(answers(run(&sample(), &context, input).unwrap())[0].2, []);
}

#[test]
fn percentiles_are_of_durations() {
    let metering = sample();
    let more = counter(&metering, "f");
    for millis in 1..=100 {
        more.invoked(None, &invocation(300, millis, Conclusion::Success));
    }
    let input = request(vec![metric("p", "Duration", "p90")]);
    let found = answers(run(&metering, &context(), input).unwrap());
    let (at, value) = found[0].2[3];
    assert_eq!(at, 300);
    assert!((88.0..=92.5).contains(&value), "{value}");
}

#[test]
fn metrics_that_cannot_be_read_are_not_empty_ones() {
    let dir = tempfile::tempdir().unwrap();
    let metering = Metering::open(dir.path(), MeteringOptions::default()).unwrap();
    std::fs::write(dir.path().join("minutes"), "in the way").unwrap();
    let m = || metric("m", "Invocations", "Sum");
    let hidden = MetricDataQuery {
        return_data: Some(false),
        ..m()
    };
    for queries in [vec![m()], vec![expression("e", "m + 1"), hidden]] {
        let error = run(&metering, &context(), request(queries)).unwrap_err();
        assert_eq!((&*error.code, error.status), ("InternalServiceError", 500));
        assert_eq!(error.message, "The metrics cannot be read now.");
    }
    metering.close();
}
