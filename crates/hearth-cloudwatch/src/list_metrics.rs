//! ListMetrics: the metrics of which there are values.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hearth_metering::Metering;
use hearth_metering::query::{Metric as Metered, NAMESPACE};
use hearth_wire::cloudwatch::{DimensionFilter, ListMetricsInput, ListMetricsOutput, Metric};
use hearth_wire::{AwsError, Context};

use crate::answers::{invalid_value, unreadable};
use crate::metric;

/// Most metrics on a page.
const PAGE: usize = 500;
const HOUR: Duration = Duration::from_secs(60 * 60);
/// How old the values of a listed metric may be, and of one that is recently active.
const LISTED: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const RECENT: Duration = HOUR.saturating_mul(3);

/// Answers with a page, by name and dimensions.
pub(crate) fn run(
    metering: &Metering,
    context: &Context,
    input: ListMetricsInput,
) -> Result<ListMetricsOutput, AwsError> {
    let after = input.next_token.as_deref().map(read_token).transpose()?;
    let account = context.scope.account.to_string();
    let is_ours = input
        .owning_account
        .as_ref()
        .is_none_or(|owner| *owner == account)
        && input
            .namespace
            .as_deref()
            .is_none_or(|namespace| namespace == NAMESPACE);
    let age = if input.recently_active.is_some() {
        RECENT
    } else {
        LISTED
    };
    let since = context
        .received_at
        .checked_sub(age)
        .unwrap_or(context.received_at);
    let metrics = if is_ours {
        metering.metrics(&context.scope, since).map_err(unreadable)?
    } else {
        Vec::new()
    };
    let mut found: Vec<(String, Metric)> = metrics
        .into_iter()
        .map(|metered| (key(&metered), listed(&metered)))
        .filter(|(key, metric)| after.as_ref().is_none_or(|after| key > after) && is_wanted(&input, metric))
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    let next_token = (found.len() > PAGE).then(|| write_token(&found[PAGE - 1].0));
    found.truncate(PAGE);
    let metrics: Vec<Metric> = found.into_iter().map(|(_, metric)| metric).collect();
    let owners = input.include_linked_accounts == Some(true);
    Ok(ListMetricsOutput {
        owning_accounts: owners.then(|| vec![account; metrics.len()]),
        metrics: Some(metrics),
        next_token,
    })
}

/// What metrics are sorted by: the name, then the dimensions.
fn key(metric: &Metered) -> String {
    let dimensions = metric.dimensions.pairs().into_iter();
    let values = dimensions.map(|(_, value)| value).collect::<Vec<_>>().join(" ");
    format!("{} {values}", metric.name.as_str())
}

fn listed(metered: &Metered) -> Metric {
    Metric {
        namespace: Some(NAMESPACE.to_owned()),
        metric_name: Some(metered.name.as_str().to_owned()),
        dimensions: Some(metric::written(&metered.dimensions)),
    }
}

fn is_wanted(input: &ListMetricsInput, metric: &Metric) -> bool {
    let has_name = input.metric_name.is_none() || input.metric_name == metric.metric_name;
    let mut filters = input.dimensions.iter().flatten();
    has_name && filters.all(|filter| has_dimension(metric, filter))
}

fn has_dimension(metric: &Metric, filter: &DimensionFilter) -> bool {
    let mut dimensions = metric.dimensions.iter().flatten();
    dimensions.any(|dimension| {
        let has_value = filter.value.is_none() || filter.value == dimension.value;
        has_value && dimension.name.as_ref() == Some(&filter.name)
    })
}

fn write_token(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

fn read_token(token: &str) -> Result<String, AwsError> {
    let key = URL_SAFE_NO_PAD.decode(token).ok();
    key.and_then(|key| String::from_utf8(key).ok())
        .ok_or_else(|| invalid_value("The value for parameter NextToken is not valid."))
}

#[cfg(test)]
mod tests {
    use hearth_engine::Conclusion;
    use hearth_wire::cloudwatch::RecentlyActive;

    use super::*;
    use crate::testing::{context, counter, invocation, refusal, sample};
    use crate::window;

    /// Name and dimensions of the metrics that are listed, and the token for the next.
    fn ask(metering: &Metering, input: ListMetricsInput) -> (Vec<String>, Option<String>) {
        let output = run(metering, &context(), input).unwrap();
        let listed = output.metrics.unwrap().into_iter().map(|metric| {
            assert_eq!(metric.namespace.as_deref(), Some("AWS/Lambda"));
            let dimensions = metric.dimensions.unwrap().into_iter();
            let dimensions: Vec<String> = dimensions
                .map(|dimension| format!(" {}={}", dimension.name.unwrap(), dimension.value.unwrap()))
                .collect();
            metric.metric_name.unwrap() + &dimensions.concat()
        });
        (listed.collect(), output.next_token)
    }

    fn filter(name: &str, value: Option<&str>) -> DimensionFilter {
        DimensionFilter {
            name: name.to_owned(),
            value: value.map(str::to_owned),
        }
    }

    fn qualified() -> Metering {
        let metering = sample();
        counter(&metering, "g").invoked(Some("live"), &invocation(0, 1, Conclusion::Success));
        metering
    }

    #[test]
    fn metrics_are_listed_by_name_and_dimensions() {
        let named = ListMetricsInput {
            metric_name: Some("Invocations".to_owned()),
            ..ListMetricsInput::default()
        };
        assert_eq!(
            ask(&qualified(), named).0,
            [
                "Invocations",
                "Invocations FunctionName=f",
                "Invocations FunctionName=g",
                "Invocations FunctionName=g Resource=g:live",
                "Invocations FunctionName=g Resource=g:live ExecutedVersion=$LATEST",
            ]
        );
    }

    #[test]
    fn filters_find_metrics_that_have_all_their_dimensions() {
        for (filters, count) in [
            (vec![filter("FunctionName", None)], 4),
            (vec![filter("FunctionName", Some("g"))], 3),
            (
                vec![
                    filter("Resource", Some("g:live")),
                    filter("ExecutedVersion", None),
                ],
                1,
            ),
            (
                vec![filter("FunctionName", Some("f")), filter("Resource", None)],
                0,
            ),
            (vec![filter("Color", None)], 0),
        ] {
            let input = ListMetricsInput {
                metric_name: Some("Invocations".to_owned()),
                dimensions: Some(filters),
                ..ListMetricsInput::default()
            };
            assert_eq!(ask(&qualified(), input).0.len(), count);
        }
    }

    #[test]
    fn only_our_namespace_and_account_have_metrics() {
        let namespace = |name: &str| ListMetricsInput {
            namespace: Some(name.to_owned()),
            ..ListMetricsInput::default()
        };
        let owner = |account: &str| ListMetricsInput {
            owning_account: Some(account.to_owned()),
            ..ListMetricsInput::default()
        };
        assert!(!ask(&sample(), namespace("AWS/Lambda")).0.is_empty());
        assert!(ask(&sample(), namespace("AWS/SQS")).0.is_empty());
        assert!(!ask(&sample(), owner("000000000000")).0.is_empty());
        assert!(ask(&sample(), owner("111111111111")).0.is_empty());
    }

    #[test]
    fn owners_are_named_where_they_are_asked_for() {
        let input = ListMetricsInput {
            include_linked_accounts: Some(true),
            ..ListMetricsInput::default()
        };
        let output = run(&sample(), &context(), input).unwrap();
        let owners = output.owning_accounts.unwrap();
        assert_eq!(owners.len(), output.metrics.unwrap().len());
        assert!(owners.iter().all(|owner| owner == "000000000000"));
        let output = run(&sample(), &context(), ListMetricsInput::default()).unwrap();
        assert_eq!(output.owning_accounts, None);
    }

    #[test]
    fn metrics_without_values_for_long_are_not_listed() {
        let listed = |hours: u64, recently_active| {
            let mut context = context();
            context.received_at = window::time(crate::testing::START + hours * 3600);
            let input = ListMetricsInput {
                recently_active,
                ..ListMetricsInput::default()
            };
            !run(&sample(), &context, input)
                .unwrap()
                .metrics
                .unwrap()
                .is_empty()
        };
        assert!(listed(3, Some(RecentlyActive::Pt3H)));
        assert!(!listed(4, Some(RecentlyActive::Pt3H)));
        assert!(listed(14 * 24, None));
        assert!(!listed(14 * 24 + 1, None));
    }

    #[test]
    fn pages_hold_all_once() {
        let metering = Metering::default();
        for number in 0..300 {
            counter(&metering, &format!("f{number}")).invoked(None, &invocation(0, 1, Conclusion::Success));
        }
        let mut all = Vec::new();
        let mut next_token = None;
        loop {
            let (page, next) = ask(
                &metering,
                ListMetricsInput {
                    next_token,
                    ..ListMetricsInput::default()
                },
            );
            assert!(page.len() == PAGE || next.is_none());
            all.extend(page);
            next_token = next;
            if next_token.is_none() {
                break;
            }
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        let of_last = all.iter().filter(|metric| metric.ends_with("FunctionName=f299"));
        assert_eq!(count, of_last.count() * 300 + ask_account(&metering));
    }

    /// How many metrics there are of the account.
    fn ask_account(metering: &Metering) -> usize {
        let scope = context().scope;
        let all = metering.metrics(&scope, window::time(0)).unwrap().into_iter();
        all.filter(|metric| metric.dimensions.pairs().is_empty()).count()
    }

    #[test]
    fn a_foreign_token_is_refused() {
        for token in ["!", "_w"] {
            let input = ListMetricsInput {
                next_token: Some(token.to_owned()),
                ..ListMetricsInput::default()
            };
            let expected = "The value for parameter NextToken is not valid.".to_owned();
            assert_eq!(
                refusal(run(&sample(), &context(), input)),
                ("InvalidParameterValue".to_owned(), expected)
            );
        }
    }
}
