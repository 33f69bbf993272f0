//! GetMetricStatistics: several statistics of one metric.

use std::collections::BTreeMap;

use hearth_metering::Metering;
use hearth_metering::query::{Metric, Point};
use hearth_wire::cloudwatch::{Datapoint, GetMetricStatisticsInput, GetMetricStatisticsOutput, StandardUnit};
use hearth_wire::{AwsError, Context, Timestamp};

use crate::answers::{invalid_combination, invalid_value, unreadable};
use crate::metric;
use crate::statistic::Statistic;
use crate::window::{self, Window};

/// Most periods in a range.
const MOST_DATAPOINTS: u64 = 1440;

/// Answers with a datapoint for each period that has values, oldest first.
pub(crate) fn run(
    metering: &Metering,
    context: &Context,
    input: GetMetricStatisticsInput,
) -> Result<GetMetricStatisticsOutput, AwsError> {
    let window =
        Window::new(input.start_time, input.end_time).map_err(|error| invalid_value(error.to_string()))?;
    let period = window::period(input.period)
        .ok_or_else(|| invalid_value("The parameter Period must be a multiple of 60."))?;
    let wanted = Wanted::read(&input)?;
    let datapoints = window.length() / u64::from(period);
    if datapoints > MOST_DATAPOINTS {
        return Err(too_many(datapoints));
    }
    let dimensions = input.dimensions.as_deref().unwrap_or_default();
    let metric = metric::named(&input.namespace, &input.metric_name, dimensions)
        .filter(|metric| metric::is_in(metric, input.unit));
    let mut datapoints = Vec::new();
    if let Some(metric) = metric {
        let range = window.rounded(context.received_at).range();
        let points = metering.statistics(&context.scope, &metric, range, period);
        let points = points.map_err(unreadable)?;
        datapoints.extend(points.iter().filter_map(|point| wanted.datapoint(&metric, point)));
    }
    Ok(GetMetricStatisticsOutput {
        label: Some(input.metric_name),
        datapoints: Some(datapoints),
    })
}

fn too_many(datapoints: u64) -> AwsError {
    invalid_combination(format!(
        "You have requested up to {datapoints} datapoints, which exceeds the limit of {MOST_DATAPOINTS}. You may reduce \
         the datapoints requested by increasing Period, or decreasing the time range."
    ))
}

/// The statistics that are asked for.
struct Wanted {
    plain: Vec<Statistic>,
    /// With their names, by which they are answered.
    extended: Vec<(String, Statistic)>,
}

impl Wanted {
    fn read(input: &GetMetricStatisticsInput) -> Result<Self, AwsError> {
        let plain = input.statistics.iter().flatten();
        let plain: Vec<Statistic> = plain.filter_map(|name| name.as_str().parse().ok()).collect();
        let extended = input.extended_statistics.iter().flatten().enumerate();
        let extended: Vec<(String, Statistic)> = extended
            .map(|(index, name)| Ok((name.clone(), extended_statistic(index, name)?)))
            .collect::<Result<_, AwsError>>()?;
        match (plain.is_empty(), extended.is_empty()) {
            (true, true) => Err(invalid_combination(
                "Must specify either Statistics or ExtendedStatistics.",
            )),
            (false, false) => Err(invalid_combination(
                "Must specify either Statistics or ExtendedStatistics, but not both.",
            )),
            _ => Ok(Self { plain, extended }),
        }
    }

    /// What a point has of them; `None` where that is nothing.
    fn datapoint(&self, metric: &Metric, point: &Point) -> Option<Datapoint> {
        let value = |statistic| {
            let wanted = self.plain.contains(&statistic);
            wanted.then(|| statistic.of(&point.statistics)).flatten()
        };
        let extended: BTreeMap<String, f64> = self
            .extended
            .iter()
            .filter_map(|(name, statistic)| Some((name.clone(), statistic.of(&point.statistics)?)))
            .collect();
        if self.plain.is_empty() && extended.is_empty() {
            return None;
        }
        Some(Datapoint {
            timestamp: Some(Timestamp(point.start)),
            sample_count: value(Statistic::SampleCount),
            average: value(Statistic::Average),
            sum: value(Statistic::Sum),
            minimum: value(Statistic::Minimum),
            maximum: value(Statistic::Maximum),
            unit: unit(metric),
            extended_statistics: (!extended.is_empty()).then_some(extended),
        })
    }
}

fn extended_statistic(index: usize, name: &str) -> Result<Statistic, AwsError> {
    let refused = |why: &str| {
        let number = index + 1;
        invalid_value(format!(
            "The value {name} for parameter ExtendedStatistics.member.{number} {why}."
        ))
    };
    match name.parse::<Statistic>() {
        Ok(statistic) if statistic.is_extended() => Ok(statistic),
        Ok(_) => Err(refused("is not an extended statistic")),
        Err(error) => Err(refused(&error.to_string())),
    }
}

fn unit(metric: &Metric) -> Option<StandardUnit> {
    let name = metric.name.unit().as_str();
    StandardUnit::ALL
        .iter()
        .copied()
        .find(|unit| unit.as_str() == name)
}

#[cfg(test)]
mod tests {
    use hearth_wire::cloudwatch::Statistic as Named;

    use super::*;
    use crate::testing::{after_start, context, dimensions_of_f, refusal, sample, timestamp};

    fn request(name: &str) -> GetMetricStatisticsInput {
        GetMetricStatisticsInput {
            namespace: "AWS/Lambda".to_owned(),
            metric_name: name.to_owned(),
            dimensions: Some(dimensions_of_f()),
            start_time: timestamp(0),
            end_time: timestamp(600),
            period: 60,
            statistics: Some(vec![Named::Sum]),
            extended_statistics: None,
            unit: None,
        }
    }

    fn ask(input: GetMetricStatisticsInput) -> Result<Vec<Datapoint>, AwsError> {
        Ok(run(&sample(), &context(), input)?.datapoints.unwrap())
    }

    #[test]
    fn a_datapoint_has_what_was_asked_for_and_no_more() {
        let input = GetMetricStatisticsInput {
            statistics: Some(vec![Named::Average, Named::Maximum, Named::SampleCount]),
            period: 300,
            ..request("Duration")
        };
        let expected = Datapoint {
            timestamp: Some(timestamp(0)),
            sample_count: Some(4.0),
            average: Some(40.0),
            maximum: Some(70.0),
            unit: Some(StandardUnit::Milliseconds),
            ..Datapoint::default()
        };
        assert_eq!(ask(input).unwrap(), [expected]);
    }

    #[test]
    fn percentiles_are_by_their_names() {
        let input = GetMetricStatisticsInput {
            statistics: None,
            extended_statistics: Some(vec!["p0".to_owned(), "p100".to_owned()]),
            ..request("Errors")
        };
        let first = ask(input).unwrap().remove(0);
        let expected = [("p0".to_owned(), 0.0), ("p100".to_owned(), 1.0)];
        assert_eq!(first.extended_statistics, Some(BTreeMap::from(expected)));
        assert_eq!((first.sum, first.unit), (None, Some(StandardUnit::Count)));
    }

    #[test]
    fn the_label_is_the_name_whether_or_not_there_are_values() {
        for name in ["Invocations", "Nope"] {
            let output = run(&sample(), &context(), request(name)).unwrap();
            assert_eq!(output.label.as_deref(), Some(name));
        }
    }

    #[test]
    fn what_has_no_values_has_no_datapoints() {
        let unit = |unit| GetMetricStatisticsInput {
            unit: Some(unit),
            ..request("Duration")
        };
        let unknown = GetMetricStatisticsInput {
            statistics: None,
            extended_statistics: Some(vec!["p50".to_owned()]),
            ..request("ConcurrentExecutions")
        };
        assert_eq!(ask(unit(StandardUnit::Milliseconds)).unwrap().len(), 3);
        assert_eq!(ask(unit(StandardUnit::Seconds)).unwrap(), []);
        assert_eq!(ask(unknown).unwrap(), []);
        assert_eq!(ask(request("Nope")).unwrap(), []);
    }

    #[test]
    fn the_end_of_the_range_is_not_part_of_it_and_its_start_is_rounded_down() {
        let input = GetMetricStatisticsInput {
            start_time: timestamp(61),
            end_time: timestamp(180),
            ..request("Invocations")
        };
        let found = ask(input).unwrap();
        let times: Vec<u64> = found
            .iter()
            .map(|point| after_start(point.timestamp.unwrap().0))
            .collect();
        assert_eq!(times, [60]);
    }

    #[test]
    fn what_is_wrong_is_said_in_awss_words() {
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let valid = || request("Invocations");
        let value = "InvalidParameterValue";
        let combination = "InvalidParameterCombination";
        for (input, code, message) in [
            (
                GetMetricStatisticsInput {
                    end_time: timestamp(0),
                    ..valid()
                },
                value,
                "The parameter StartTime must not equal parameter EndTime.",
            ),
            (
                GetMetricStatisticsInput {
                    start_time: timestamp(601),
                    ..valid()
                },
                value,
                "The parameter StartTime must be less than the parameter EndTime.",
            ),
            (
                GetMetricStatisticsInput {
                    period: 30,
                    ..valid()
                },
                value,
                "The parameter Period must be a multiple of 60.",
            ),
            (
                GetMetricStatisticsInput {
                    statistics: None,
                    ..valid()
                },
                combination,
                "Must specify either Statistics or ExtendedStatistics.",
            ),
            (
                GetMetricStatisticsInput {
                    extended_statistics: names(&["p50"]),
                    ..valid()
                },
                combination,
                "Must specify either Statistics or ExtendedStatistics, but not both.",
            ),
            (
                GetMetricStatisticsInput {
                    end_time: timestamp(60 * 1441),
                    ..valid()
                },
                combination,
                "You have requested up to 1441 datapoints, which exceeds the limit of 1440. You may reduce the datapoints \
                 requested by increasing Period, or decreasing the time range.",
            ),
            (
                GetMetricStatisticsInput {
                    statistics: None,
                    extended_statistics: names(&["p50", "p101"]),
                    ..valid()
                },
                value,
                "The value p101 for parameter ExtendedStatistics.member.2 is not a valid statistic.",
            ),
            (
                GetMetricStatisticsInput {
                    statistics: None,
                    extended_statistics: names(&["tm99"]),
                    ..valid()
                },
                value,
                "The value tm99 for parameter ExtendedStatistics.member.1 is a statistic that Hearth does not support yet.",
            ),
            (
                GetMetricStatisticsInput {
                    statistics: None,
                    extended_statistics: names(&["Sum"]),
                    ..valid()
                },
                value,
                "The value Sum for parameter ExtendedStatistics.member.1 is not an extended statistic.",
            ),
        ] {
            assert_eq!(refusal(ask(input)), (code.to_owned(), message.to_owned()));
        }
        assert!(
            ask(GetMetricStatisticsInput {
                end_time: timestamp(60 * 1440),
                ..valid()
            })
            .is_ok()
        );
    }
}
