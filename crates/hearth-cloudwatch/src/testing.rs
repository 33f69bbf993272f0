//! A metering with invocations to ask about.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_engine::{Conclusion, FunctionMeter, InvocationRecord, Meter, Running};
use hearth_metering::Metering;
use hearth_types::{FunctionArn, FunctionName, Qualifier, RequestId, Scope};
use hearth_wire::cloudwatch::{Dimension, Metric};
use hearth_wire::{AwsError, Caller, CallerKind, Context, Timestamp};

use crate::window;

/// The time of all requests: an hour after the first sample.
pub(crate) const NOW: u64 = START + 3600;
/// The beginning of an hour.
pub(crate) const START: u64 = 1_767_225_600;

/// A request that arrives at [`NOW`].
pub(crate) fn context() -> Context {
    let scope = Scope::default();
    Context {
        caller: Arc::new(Caller {
            account: scope.account,
            arn: String::new(),
            user_id: String::new(),
            access_key: None,
            kind: CallerKind::Anonymous,
        }),
        scope,
        request_id: RequestId::new(),
        received_at: window::time(NOW),
        host: String::new(),
    }
}

pub(crate) fn counter(metering: &Metering, name: &str) -> Arc<dyn FunctionMeter> {
    let name = FunctionName::parse(name).unwrap();
    metering.function(&FunctionArn::new(Scope::default(), name), &Qualifier::Latest)
}

/// An invocation that began so many seconds after [`START`] and took so many milliseconds.
pub(crate) fn invocation(second: u64, millis: u64, conclusion: Conclusion) -> InvocationRecord {
    InvocationRecord {
        began: window::time(START + second),
        conclusion,
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

/// Invocations of `f` in the minutes 0, 1 and 3, of which one failed.
pub(crate) fn sample() -> Metering {
    let metering = Metering::default();
    let counter = counter(&metering, "f");
    for (second, millis, conclusion) in [
        (0, 10, Conclusion::Success),
        (59, 30, Conclusion::Error),
        (60, 50, Conclusion::Success),
        (180, 70, Conclusion::Success),
    ] {
        counter.invoked(None, &invocation(second, millis, conclusion));
    }
    metering
}

pub(crate) fn timestamp(second: u64) -> Timestamp {
    Timestamp(window::time(START + second))
}

/// How many seconds after [`START`] a time is.
pub(crate) fn after_start(at: SystemTime) -> u64 {
    window::seconds(at) - START
}

/// A metric of the function `f`.
pub(crate) fn metric_of_f(name: &str) -> Metric {
    Metric {
        namespace: Some("AWS/Lambda".to_owned()),
        metric_name: Some(name.to_owned()),
        dimensions: Some(dimensions_of_f()),
    }
}

pub(crate) fn dimensions_of_f() -> Vec<Dimension> {
    vec![Dimension {
        name: Some("FunctionName".to_owned()),
        value: Some("f".to_owned()),
    }]
}

/// The code and message of the error.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, AwsError>) -> (String, String) {
    let error = answer.unwrap_err();
    assert_eq!(error.status, 400);
    (error.code.into_owned(), error.message)
}
