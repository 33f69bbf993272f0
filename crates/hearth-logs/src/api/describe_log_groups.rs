//! DescribeLogGroups: the groups of the account and region, by name.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::{DescribeLogGroupsRequest, DescribeLogGroupsResponse, LogGroup, LogGroupClass};

use super::answers::{group_arn, invalid, invalid_token, page_size};
use super::group_reference::identified;
use crate::group_key::GroupKey;
use crate::service::{ListedGroup, LogService};

const PAGE_GROUPS: usize = 50;

/// Answers with a page of groups. The token is the name of its last group.
pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, AwsError> {
    let wanted = wanted(scope, &input)?;
    let after = input.next_token.unwrap_or_default();
    if !after.is_empty() && GroupKey::new(scope, &after).is_none() {
        return Err(invalid_token());
    }
    let limit = page_size(input.limit, PAGE_GROUPS);
    // One more than is shown tells whether there is another page.
    let mut groups = service.groups(scope, &after, wanted, limit + 1).await;
    let more = groups.len() > limit;
    groups.truncate(limit);
    let last = groups.last().filter(|_| more);
    let described = groups.iter().map(|group| described(scope, group));
    Ok(DescribeLogGroupsResponse {
        next_token: last.map(|group| group.summary.name.to_string()),
        log_groups: Some(described.collect()),
    })
}

/// The request's choice of groups.
fn wanted(
    scope: &Scope,
    input: &DescribeLogGroupsRequest,
) -> Result<impl Fn(&str) -> bool + use<>, AwsError> {
    let (prefix, pattern) = (
        input.log_group_name_prefix.clone(),
        input.log_group_name_pattern.clone(),
    );
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let names = input.log_group_identifiers.as_ref().map(|identifiers| {
        let names = identifiers
            .iter()
            .filter_map(|identifier| identified(scope, identifier.clone()));
        names.collect::<Vec<_>>()
    });
    let standard = input
        .log_group_class
        .is_none_or(|class| class == LogGroupClass::Standard);
    Ok(move |name: &str| {
        standard
            && prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
            && pattern.as_ref().is_none_or(|pattern| name.contains(pattern))
            && names
                .as_ref()
                .is_none_or(|names| names.iter().any(|wanted| wanted == name))
    })
}

fn described(scope: &Scope, listed: &ListedGroup) -> LogGroup {
    let group = &listed.summary;
    let arn = group_arn(scope, &group.name);
    LogGroup {
        log_group_name: Some(group.name.to_string()),
        creation_time: Some(group.created_ms),
        retention_in_days: listed.retention_days.and_then(|days| i32::try_from(days).ok()),
        metric_filter_count: Some(0),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(group.stored_bytes as i64),
        log_group_class: Some(LogGroupClass::Standard),
        log_group_arn: Some(arn),
        ..LogGroup::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Logs, refusal};
    use super::*;
    use crate::group_key::test_scope;

    async fn ask(
        logs: &Logs,
        input: DescribeLogGroupsRequest,
    ) -> Result<(Vec<String>, Option<String>), AwsError> {
        let answer = run(&logs.service, &test_scope(), input).await?;
        let names = answer
            .log_groups
            .unwrap()
            .into_iter()
            .map(|group| group.log_group_name.unwrap());
        Ok((names.collect(), answer.next_token))
    }

    async fn some_logs() -> Logs {
        let logs = Logs::new().await;
        for group in ["/aws/lambda/b", "/aws/lambda/a", "/custom/Data", "/custom/data"] {
            logs.append(group, "s", [1]).await;
        }
        logs
    }

    #[tokio::test]
    async fn groups_are_chosen_and_paged_through_by_name() {
        let logs = some_logs().await;
        let default = DescribeLogGroupsRequest::default;
        let all = ["/aws/lambda/a", "/aws/lambda/b", "/custom/Data", "/custom/data"].map(str::to_owned);
        assert_eq!(ask(&logs, default()).await.unwrap(), (all.to_vec(), None));
        let prefix = DescribeLogGroupsRequest {
            log_group_name_prefix: Some("/aws/".into()),
            ..default()
        };
        assert_eq!(ask(&logs, prefix).await.unwrap().0, all[..2]);
        let pattern = DescribeLogGroupsRequest {
            log_group_name_pattern: Some("Data".into()),
            ..default()
        };
        assert_eq!(ask(&logs, pattern).await.unwrap().0, all[2..3]);
        let log_group_identifiers = Some(vec!["/custom/data".into(), "absent".into()]);
        let named = DescribeLogGroupsRequest {
            log_group_identifiers,
            ..default()
        };
        assert_eq!(ask(&logs, named).await.unwrap().0, all[3..]);
        let log_group_class = Some(LogGroupClass::Delivery);
        assert_eq!(
            ask(
                &logs,
                DescribeLogGroupsRequest {
                    log_group_class,
                    ..default()
                }
            )
            .await
            .unwrap()
            .0,
            [""; 0]
        );

        let mut seen = Vec::new();
        let mut next_token = None;
        loop {
            let input = DescribeLogGroupsRequest {
                limit: Some(2),
                next_token,
                ..default()
            };
            let (names, token) = ask(&logs, input).await.unwrap();
            seen.extend(names);
            next_token = token;
            if next_token.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[tokio::test]
    async fn a_group_is_described_in_full() {
        let logs = some_logs().await;
        let answer = run(&logs.service, &test_scope(), DescribeLogGroupsRequest::default())
            .await
            .unwrap();
        let group = &answer.log_groups.unwrap()[0];
        let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/a";
        assert_eq!(group.log_group_arn.as_deref(), Some(arn));
        assert_eq!(group.arn, Some(format!("{arn}:*")));
        assert_eq!(group.retention_in_days, None);
        assert_eq!(group.metric_filter_count, Some(0));
        assert!(group.stored_bytes.unwrap() > 0);
    }

    #[tokio::test]
    async fn what_contradicts_itself_is_refused() {
        let logs = some_logs().await;
        let both = DescribeLogGroupsRequest {
            log_group_name_prefix: Some("a".into()),
            log_group_name_pattern: Some("a".into()),
            ..Default::default()
        };
        assert_eq!(refusal(ask(&logs, both).await).0, "InvalidParameterException");
        let token = DescribeLogGroupsRequest {
            next_token: Some("no group".into()),
            ..Default::default()
        };
        assert_eq!(
            refusal(ask(&logs, token).await).1,
            "The specified nextToken is invalid."
        );
    }
}
