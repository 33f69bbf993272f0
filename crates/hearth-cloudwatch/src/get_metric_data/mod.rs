//! GetMetricData: statistics of many metrics, and expressions over them.

mod data;
mod label;
mod page;
mod queries;
#[cfg(test)]
mod tests;

use hearth_metering::Metering;
use hearth_wire::cloudwatch::{GetMetricDataInput, GetMetricDataOutput, ScanBy};
use hearth_wire::{AwsError, Context};

use crate::window::Window;
use data::Data;
use page::{Cursor, Page};
use queries::{Faults, Queries};

/// Most datapoints on a page.
const MOST_DATAPOINTS: i32 = 100_800;

/// Answers with a page of datapoints, query by query.
pub(crate) fn run(
    metering: &Metering,
    context: &Context,
    input: GetMetricDataInput,
) -> Result<GetMetricDataOutput, AwsError> {
    let mut faults = Faults::default();
    let window = Window::new(input.start_time, input.end_time);
    let window = window.map_err(|error| faults.add(error.to_string())).ok();
    let most = most_datapoints(input.max_datapoints, &mut faults);
    let queries = Queries::read(input.metric_data_queries, &context.scope.account, &mut faults);
    let (window, queries) = faults.or(window.zip(queries))?;
    let from = input
        .next_token
        .as_deref()
        .map_or(Ok(Cursor::default()), str::parse)?;
    let data = Data::new(metering, context, window.rounded(context.received_at), &queries)?;
    let descending = input.scan_by != Some(ScanBy::TimestampAscending);
    let page = Page::new(&data, from, most, descending)?;
    Ok(GetMetricDataOutput {
        metric_data_results: Some(page.results),
        next_token: page.next.map(|cursor| cursor.to_string()),
        messages: None,
    })
}

fn most_datapoints(wanted: Option<i32>, faults: &mut Faults) -> usize {
    let wanted = wanted.unwrap_or(MOST_DATAPOINTS);
    if !(1..=MOST_DATAPOINTS).contains(&wanted) {
        faults.add(format!(
            "The value {wanted} for parameter MaxDatapoints must be between 1 and {MOST_DATAPOINTS}."
        ));
    }
    usize::try_from(wanted).unwrap_or_default()
}
