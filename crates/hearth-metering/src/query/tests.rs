use hearth_engine::{Conclusion, InvocationRecord, Meter, Running};
use hearth_types::FunctionArn;

use super::*;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn record(second: u64, millis: u64) -> InvocationRecord {
    InvocationRecord {
        began: at(second),
        conclusion: Conclusion::Success,
        duration: Duration::from_millis(millis),
        init: None,
        cold: false,
        waited: Duration::ZERO,
        memory_mb: 128,
        max_memory_mb: 20,
        bytes_in: 2,
        bytes_out: 4,
        running: Running {
            function: 1,
            account: 3,
            unreserved: Some(2),
        },
    }
}

fn function(name: &str) -> FunctionName {
    FunctionName::parse(name).unwrap()
}

fn arn(name: &str) -> FunctionArn {
    FunctionArn::new(Scope::default(), function(name))
}

fn read(metering: &Metering, name: MetricName, dimensions: Dimensions, to: u64, period: u32) -> Vec<Point> {
    let metric = Metric { name, dimensions };
    metering
        .statistics(&Scope::default(), &metric, at(0)..at(to), period)
        .unwrap()
}

fn of(name: &str) -> Dimensions {
    Dimensions::Function { name: function(name) }
}

#[test]
fn periods_begin_with_the_range() {
    let metering = Metering::default();
    let counter = metering.function(&arn("f"), &Qualifier::Latest);
    for second in [119, 120, 419, 420, 719] {
        counter.invoked(None, &record(second, 1));
    }
    let metric = Metric {
        name: MetricName::Invocations,
        dimensions: of("f"),
    };
    let points = metering
        .statistics(&Scope::default(), &metric, at(125)..at(1000), 300)
        .unwrap();
    let found: Vec<_> = points
        .iter()
        .map(|point| (point.start, point.statistics.sum))
        .collect();
    assert_eq!(found, [(at(120), 2.0), (at(420), 2.0)]);
}

#[test]
fn values_are_told_apart_by_period() {
    let metering = Metering::default();
    let counter = metering.function(&arn("f"), &Qualifier::Latest);
    for (second, millis) in [(0, 10), (59, 30), (60, 50), (600, 70)] {
        counter.invoked(None, &record(second, millis));
    }
    let points = read(&metering, MetricName::Duration, of("f"), 601, 60);
    let starts: Vec<_> = points.iter().map(|point| point.start).collect();
    assert_eq!(starts, [at(0), at(60), at(600)]);
    let Statistics {
        sample_count,
        sum,
        minimum,
        maximum,
        ..
    } = points[0].statistics;
    assert_eq!((sample_count, sum, minimum, maximum), (2.0, 40.0, 10.0, 30.0));
    let points = read(&metering, MetricName::Duration, of("f"), 600, 300);
    assert_eq!(points.len(), 1, "the end is not part of the range");
    assert_eq!(points[0].statistics.average(), 30.0);
    assert_eq!(points[0].statistics.percentile(100.0), Some(50.0));
}

#[test]
fn errors_and_throttles_are_ones_among_zeroes() {
    let metering = Metering::default();
    let counter = metering.function(&arn("f"), &Qualifier::Latest);
    let failed = InvocationRecord {
        conclusion: Conclusion::Timeout,
        ..record(0, 1)
    };
    counter.invoked(None, &failed);
    for _ in 0..3 {
        counter.invoked(None, &record(0, 1));
    }
    let errors = &read(&metering, MetricName::Errors, of("f"), 60, 60)[0].statistics;
    assert_eq!(
        (errors.sample_count, errors.sum, errors.average()),
        (4.0, 1.0, 0.25)
    );
    assert_eq!(
        (errors.percentile(75.0), errors.percentile(76.0)),
        (Some(0.0), Some(1.0))
    );
    let throttles = &read(&metering, MetricName::Throttles, of("f"), 60, 60)[0].statistics;
    assert_eq!(
        (throttles.sample_count, throttles.sum, throttles.maximum),
        (4.0, 0.0, 0.0)
    );
}

#[test]
fn a_function_that_was_only_refused_has_throttles_alone() {
    let metering = Metering::default();
    metering.function(&arn("f"), &Qualifier::Latest).throttled(None);
    let names: BTreeSet<_> = metering
        .metrics(&Scope::default(), at(0))
        .unwrap()
        .into_iter()
        .map(|metric| metric.name.as_str())
        .collect();
    assert_eq!(names, BTreeSet::from(["Throttles"]));
}

/// As AWS does: what was invoked by a qualifier counts for it, and for the function too.
#[test]
fn a_qualifier_makes_dimensions_of_its_own() {
    let metering = Metering::default();
    let (one, two) = (Qualifier::Version(1), Qualifier::Version(2));
    let live = Qualifier::Alias("live".into());
    metering
        .function(&arn("f"), &one)
        .invoked(Some("live"), &record(0, 1));
    let counter = metering.function(&arn("f"), &two);
    counter.invoked(Some("live"), &record(0, 1));
    counter.invoked(Some("2"), &record(0, 1));
    metering
        .function(&arn("f"), &Qualifier::Latest)
        .invoked(None, &record(0, 1));
    metering
        .function(&arn("g"), &Qualifier::Latest)
        .invoked(None, &record(0, 1));
    let name = || function("f");
    let resource = |qualifier: &Qualifier| Dimensions::Resource {
        name: name(),
        qualifier: qualifier.clone(),
    };
    let executed = |version: &Qualifier| Dimensions::ExecutedVersion {
        name: name(),
        qualifier: live.clone(),
        version: version.clone(),
    };
    let expected = [
        (Dimensions::Account, 5.0),
        (of("f"), 4.0),
        (of("g"), 1.0),
        (resource(&two), 1.0),
        (resource(&live), 2.0),
        (executed(&one), 1.0),
        (executed(&two), 1.0),
    ];
    for (dimensions, sum) in &expected {
        let points = read(&metering, MetricName::Invocations, dimensions.clone(), 60, 60);
        assert_eq!(points[0].statistics.sum, *sum, "{dimensions:?}");
    }
    let listed = metering.metrics(&Scope::default(), at(0)).unwrap();
    let invocations = listed
        .into_iter()
        .filter(|metric| metric.name == MetricName::Invocations);
    let dimensions: Vec<_> = invocations.map(|metric| metric.dimensions).collect();
    assert_eq!(dimensions, expected.map(|(dimensions, _)| dimensions));
    assert_eq!(
        executed(&two).pairs(),
        [
            ("FunctionName", "f".to_owned()),
            ("Resource", "f:live".to_owned()),
            ("ExecutedVersion", "2".to_owned()),
        ]
    );
}

#[test]
fn concurrency_is_that_of_function_and_account() {
    let metering = Metering::default();
    let counter = metering.function(&arn("f"), &Qualifier::Latest);
    counter.invoked(Some("live"), &record(0, 1));
    let most = |name, dimensions| {
        let points = read(&metering, name, dimensions, 60, 60);
        points.first().map(|point| point.statistics.maximum)
    };
    let (all, free) = (
        MetricName::ConcurrentExecutions,
        MetricName::UnreservedConcurrentExecutions,
    );
    assert_eq!(most(all, of("f")), Some(1.0));
    assert_eq!(most(all, Dimensions::Account), Some(3.0));
    assert_eq!(most(free, Dimensions::Account), Some(2.0));
    assert_eq!(most(free, of("f")), None);
}

#[test]
fn accounts_and_regions_do_not_see_one_another() {
    let metering = Metering::default();
    metering
        .function(&arn("f"), &Qualifier::Latest)
        .invoked(None, &record(0, 1));
    let elsewhere = Scope {
        region: hearth_types::Region::parse("eu-west-1").unwrap(),
        ..Scope::default()
    };
    assert_eq!(metering.metrics(&elsewhere, at(0)).unwrap(), []);
    assert_eq!(metering.metrics(&Scope::default(), at(3600)).unwrap(), []);
}
