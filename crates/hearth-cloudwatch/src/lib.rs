//! The CloudWatch API over what is metered: the metrics of `AWS/Lambda`, one operation per file.
//!
//! Nothing is kept here: each request asks [`Metering`] and shapes what it says. GetMetricData reads its queries
//! (`get_metric_data/queries.rs`), evaluates expressions over them (`math`) and cuts pages.
#![forbid(unsafe_code)]

mod answers;
mod get_metric_data;
mod get_metric_statistics;
mod list_metrics;
mod math;
mod metric;
mod statistic;
#[cfg(test)]
mod testing;
mod window;

use std::sync::Arc;

use hearth_metering::Metering;
use hearth_wire::cloudwatch::{MODEL, operations};
use hearth_wire::{AwsError, CommonError, Context, Router};

/// Registers the operations of CloudWatch.
pub fn register(router: &mut Router, metering: Metering) {
    let mut operations = router.service(&MODEL);
    let metering = Arc::new(metering);
    macro_rules! operation {
        ($name:ident, $run:path) => {
            let metering = Arc::clone(&metering);
            operations.operation::<operations::$name, _, _>(move |context: Context, input| {
                let metering = Arc::clone(&metering);
                aside(move || $run(&metering, &context, input))
            });
        };
    }
    operation!(GetMetricData, get_metric_data::run);
    operation!(GetMetricStatistics, get_metric_statistics::run);
    operation!(ListMetrics, list_metrics::run);
}

/// Runs a query where it holds up no invocation: it may have weeks of minutes to add up.
async fn aside<T: Send + 'static>(
    query: impl FnOnce() -> Result<T, AwsError> + Send + 'static,
) -> Result<T, AwsError> {
    let answered = tokio::task::spawn_blocking(query).await;
    answered.unwrap_or_else(|error| {
        tracing::error!(%error, "a query of metrics failed");
        Err(AwsError::common(CommonError::Internal, "The query failed."))
    })
}
