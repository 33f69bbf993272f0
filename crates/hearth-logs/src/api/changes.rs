//! The operations that change something, together.

use std::collections::BTreeMap;

use hearth_wire::AwsError;
use hearth_wire::logs::{
    CreateLogGroupRequest, CreateLogStreamRequest, DeleteLogGroupRequest, DeleteLogStreamRequest,
    DeleteRetentionPolicyRequest, DescribeLogGroupsRequest, DescribeLogStreamsRequest,
    FilterLogEventsRequest, GetLogEventsRequest, InputLogEvent, ListTagsForResourceRequest,
    ListTagsLogGroupRequest, LogGroup, LogGroupClass, LogStream, PutLogEventsRequest, PutLogEventsResponse,
    PutRetentionPolicyRequest, TagLogGroupRequest, TagResourceRequest, UntagLogGroupRequest,
    UntagResourceRequest,
};

use super::testing::{GROUP, Logs, refusal};
use super::*;
use crate::group_key::test_scope;
use crate::service::now_ms;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const NO_GROUP: &str = "The specified log group does not exist.";
const NO_STREAM: &str = "The specified log stream does not exist.";

async fn create_group(logs: &Logs, change: impl FnOnce(&mut CreateLogGroupRequest)) -> Result<(), AwsError> {
    let mut input = CreateLogGroupRequest {
        log_group_name: GROUP.into(),
        ..Default::default()
    };
    change(&mut input);
    create_log_group::run(&logs.service, &test_scope(), input).await
}

async fn create_stream(logs: &Logs, stream: &str) -> Result<(), AwsError> {
    let (log_group_name, log_stream_name) = (GROUP.into(), stream.into());
    let input = CreateLogStreamRequest {
        log_group_name,
        log_stream_name,
    };
    create_log_stream::run(&logs.service, &test_scope(), input).await
}

async fn delete_group(logs: &Logs) -> Result<(), AwsError> {
    let log_group_name = GROUP.into();
    delete_log_group::run(
        &logs.service,
        &test_scope(),
        DeleteLogGroupRequest { log_group_name },
    )
    .await
}

async fn delete_stream(logs: &Logs, stream: &str) -> Result<(), AwsError> {
    let (log_group_name, log_stream_name) = (GROUP.into(), stream.into());
    let input = DeleteLogStreamRequest {
        log_group_name,
        log_stream_name,
    };
    delete_log_stream::run(&logs.service, &test_scope(), input).await
}

/// Puts events of these times, whose messages are the times.
async fn put(logs: &Logs, stream: &str, times: &[i64]) -> Result<PutLogEventsResponse, AwsError> {
    put_to(&logs.service, stream, times).await
}

async fn put_to(service: &LogService, stream: &str, times: &[i64]) -> Result<PutLogEventsResponse, AwsError> {
    let event = |timestamp: &i64| InputLogEvent {
        timestamp: *timestamp,
        message: timestamp.to_string(),
    };
    let input = PutLogEventsRequest {
        log_group_name: GROUP.into(),
        log_stream_name: stream.into(),
        log_events: times.iter().map(event).collect(),
        ..Default::default()
    };
    put_log_events::run(service, &test_scope(), input).await
}

async fn set_retention(logs: &Logs, retention_in_days: i32) -> Result<(), AwsError> {
    let log_group_name = GROUP.into();
    let input = PutRetentionPolicyRequest {
        log_group_name,
        retention_in_days,
    };
    put_retention_policy::run(&logs.service, &test_scope(), input).await
}

async fn groups(logs: &Logs) -> Vec<LogGroup> {
    let input = DescribeLogGroupsRequest::default();
    let answer = describe_log_groups::run(&logs.service, &test_scope(), input).await;
    answer.unwrap().log_groups.unwrap()
}

async fn streams(logs: &Logs) -> Vec<LogStream> {
    let input = DescribeLogStreamsRequest {
        log_group_name: Some(GROUP.into()),
        ..Default::default()
    };
    let answer = describe_log_streams::run(&logs.service, &test_scope(), input).await;
    answer.unwrap().log_streams.unwrap()
}

async fn messages(logs: &Logs) -> Result<Vec<String>, AwsError> {
    let input = FilterLogEventsRequest {
        log_group_name: Some(GROUP.into()),
        ..Default::default()
    };
    let answer = filter_log_events::run(&logs.service, &test_scope(), input).await?;
    let events = answer.events.unwrap().into_iter();
    Ok(events.map(|event| event.message.unwrap()).collect())
}

#[tokio::test]
async fn groups_and_streams_without_events_are_there_and_last() {
    let logs = Logs::new().await;
    assert_eq!(refusal(create_stream(&logs, "s").await).1, NO_GROUP);
    create_group(&logs, |_| {}).await.unwrap();
    let again = refusal(create_group(&logs, |_| {}).await);
    let exists = "ResourceAlreadyExistsException";
    assert_eq!(
        again,
        (exists.into(), "The specified log group already exists".into())
    );
    create_stream(&logs, "s").await.unwrap();
    let again = refusal(create_stream(&logs, "s").await);
    assert_eq!(
        again,
        (exists.into(), "The specified log stream already exists".into())
    );

    let logs = logs.again().await;
    assert_eq!(messages(&logs).await.unwrap(), [""; 0]);
    let group = &groups(&logs).await[0];
    assert_eq!(
        (group.log_group_name.as_deref(), group.stored_bytes),
        (Some(GROUP), Some(0))
    );
    assert!(group.creation_time.unwrap() > now_ms() - DAY_MS);
    let stream = &streams(&logs).await[0];
    assert_eq!(
        (stream.log_stream_name.as_deref(), stream.last_event_timestamp),
        (Some("s"), None)
    );
    let input = GetLogEventsRequest {
        log_group_name: Some(GROUP.into()),
        log_stream_name: "s".into(),
        ..Default::default()
    };
    let answer = get_log_events::run(&logs.service, &test_scope(), input)
        .await
        .unwrap();
    assert_eq!(answer.events.unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_deleted_is_gone() {
    let logs = Logs::new().await;
    assert_eq!(refusal(delete_group(&logs).await).1, NO_GROUP);
    assert_eq!(refusal(delete_stream(&logs, "s").await).1, NO_GROUP);
    let now = now_ms();
    logs.append(GROUP, "of a function", [now]).await;
    for stream in ["a", "b"] {
        create_stream(&logs, stream).await.unwrap();
        put(&logs, stream, &[now + 1, now + 2]).await.unwrap();
    }
    assert_eq!(messages(&logs).await.unwrap().len(), 5);
    let before = streams(&logs).await;

    delete_stream(&logs, "a").await.unwrap();
    delete_stream(&logs, "of a function").await.unwrap();
    assert_eq!(refusal(delete_stream(&logs, "a").await).1, NO_STREAM);
    assert_eq!(refusal(put(&logs, "a", &[now]).await).1, NO_STREAM);
    let logs = logs.again().await;
    assert_eq!(
        messages(&logs).await.unwrap(),
        [(now + 1).to_string(), (now + 2).to_string()]
    );
    assert_eq!(streams(&logs).await, before[1..2]);
    create_stream(&logs, "a").await.unwrap();
    put(&logs, "a", &[now + 3]).await.unwrap();
    assert_eq!(messages(&logs).await.unwrap().len(), 3);

    delete_group(&logs).await.unwrap();
    assert_eq!(refusal(messages(&logs).await).1, NO_GROUP);
    assert_eq!(groups(&logs).await, []);
    let logs = logs.again().await;
    assert_eq!(groups(&logs).await, []);
    assert_eq!(refusal(put(&logs, "b", &[now]).await).1, NO_GROUP);
    // A function that goes on writing makes the group anew.
    logs.append(GROUP, "of a function", [now]).await;
    assert_eq!(messages(&logs).await.unwrap(), [now.to_string()]);
    assert_eq!(streams(&logs).await.len(), 1);
}

#[tokio::test]
async fn events_are_taken_in_any_batch_order_and_last() {
    let logs = Logs::new().await;
    create_group(&logs, |_| {}).await.unwrap();
    assert_eq!(refusal(put(&logs, "s", &[1]).await).1, NO_STREAM);
    create_stream(&logs, "s").await.unwrap();
    let now = now_ms();
    let answer = put(&logs, "s", &[now, now + 1]).await.unwrap();
    assert_eq!(answer.next_sequence_token.map(|token| token.len()), Some(56));
    assert_eq!(answer.rejected_log_events_info, None);
    put(&logs, "s", &[now - DAY_MS]).await.unwrap();
    let answer = put(&logs, "s", &[now - 15 * DAY_MS]).await.unwrap();
    let rejected = answer.rejected_log_events_info.unwrap();
    assert_eq!(rejected.too_old_log_event_end_index, Some(1));
    let answer = put(&logs, "s", &[now + DAY_MS]).await.unwrap();
    let rejected = answer.rejected_log_events_info.unwrap();
    assert_eq!(rejected.too_new_log_event_start_index, Some(0));
    let expected = [now - DAY_MS, now, now + 1].map(|time| time.to_string());
    assert_eq!(messages(&logs).await.unwrap(), expected);
    assert_eq!(messages(&logs.again().await).await.unwrap(), expected);
}

#[tokio::test]
async fn at_the_same_time_nothing_is_lost() {
    let logs = Logs::new().await;
    create_group(&logs, |_| {}).await.unwrap();
    let now = now_ms();
    create_stream(&logs, "s").await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..20 {
        let service = logs.service.clone();
        writers.spawn(async move { put_to(&service, "s", &[now + writer]).await.unwrap() });
    }
    assert_eq!(writers.join_all().await.len(), 20);
    assert_eq!(messages(&logs).await.unwrap().len(), 20);
}

#[tokio::test]
async fn what_cannot_be_written_is_not_acknowledged() {
    let logs = Logs::new().await;
    create_group(&logs, |_| {}).await.unwrap();
    create_stream(&logs, "s").await.unwrap();
    std::fs::create_dir_all(logs.directory()).unwrap();
    let in_the_way = logs.directory().join("v1");
    std::fs::write(&in_the_way, "no directory").unwrap();
    let (code, message) = refusal(put(&logs, "s", &[now_ms()]).await);
    assert_eq!(code, "ServiceUnavailableException");
    assert_eq!(message, "The logs cannot be written now.");
    std::fs::remove_file(in_the_way).unwrap();
    let now = now_ms();
    put(&logs, "s", &[now]).await.unwrap();
    assert!(messages(&logs).await.unwrap().contains(&now.to_string()));
}

#[tokio::test]
async fn retention_hides_and_lasts() {
    let logs = Logs::new().await;
    assert_eq!(refusal(set_retention(&logs, 7).await).1, NO_GROUP);
    create_group(&logs, |_| {}).await.unwrap();
    create_stream(&logs, "s").await.unwrap();
    let now = now_ms();
    put(&logs, "s", &[now - 2 * DAY_MS]).await.unwrap();
    put(&logs, "s", &[now]).await.unwrap();
    let (code, message) = refusal(set_retention(&logs, 2).await);
    assert_eq!(code, "InvalidParameterException");
    assert!(
        message.contains("Value '2' at 'retentionInDays' failed to satisfy constraint"),
        "{message}"
    );
    set_retention(&logs, 1).await.unwrap();
    assert_eq!(messages(&logs).await.unwrap(), [now.to_string()]);
    let logs = logs.again().await;
    assert_eq!(messages(&logs).await.unwrap(), [now.to_string()]);
    assert_eq!(groups(&logs).await[0].retention_in_days, Some(1));
    assert_eq!(streams(&logs).await[0].first_event_timestamp, Some(now));
    let answer = put(&logs, "s", &[now - DAY_MS - 1]).await.unwrap();
    let rejected = answer.rejected_log_events_info.unwrap();
    assert_eq!(rejected.expired_log_event_end_index, Some(1));

    let log_group_name = GROUP.into();
    let input = DeleteRetentionPolicyRequest { log_group_name };
    delete_retention_policy::run(&logs.service, &test_scope(), input)
        .await
        .unwrap();
    assert_eq!(messages(&logs).await.unwrap().len(), 2);
    assert_eq!(groups(&logs).await[0].retention_in_days, None);
}

#[tokio::test]
async fn tags_are_kept_under_either_name() {
    let (logs, scope) = (Logs::new().await, test_scope());
    let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    };
    let arn = format!("arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}");
    let tag = |new: BTreeMap<String, String>| TagResourceRequest {
        resource_arn: arn.clone(),
        tags: new,
    };
    let refused = tags::tag_resource(&logs.service, &scope, tag(tags(&[("a", "1")]))).await;
    assert_eq!(refusal(refused).1, NO_GROUP);
    create_group(&logs, |input| input.tags = Some(tags(&[("a", "1"), ("b", "2")])))
        .await
        .unwrap();
    tags::tag_resource(&logs.service, &scope, tag(tags(&[("b", "3")])))
        .await
        .unwrap();
    let input = TagLogGroupRequest {
        log_group_name: GROUP.into(),
        tags: tags(&[("c", "4"), ("d", "5")]),
    };
    tags::tag_log_group(&logs.service, &scope, input).await.unwrap();
    let input = UntagLogGroupRequest {
        log_group_name: GROUP.into(),
        tags: vec!["a".into(), "unknown".into()],
    };
    tags::untag_log_group(&logs.service, &scope, input).await.unwrap();
    let input = UntagResourceRequest {
        resource_arn: format!("{arn}:*"),
        tag_keys: vec!["d".into()],
    };
    tags::untag_resource(&logs.service, &scope, input).await.unwrap();

    let logs = logs.again().await;
    let expected = Some(tags(&[("b", "3"), ("c", "4")]));
    let input = ListTagsLogGroupRequest {
        log_group_name: GROUP.into(),
    };
    let listed = tags::list_tags_log_group(&logs.service, &scope, input).await;
    assert_eq!(listed.unwrap().tags, expected);
    let list = |resource_arn: &str| ListTagsForResourceRequest {
        resource_arn: resource_arn.into(),
    };
    let listed = tags::list_tags_for_resource(&logs.service, &scope, list(&arn)).await;
    assert_eq!(listed.unwrap().tags, expected);
    for (bad, code) in [
        ("no ARN", "InvalidParameterException"),
        (
            "arn:aws:logs:eu-west-1:000000000000:log-group:g",
            "ResourceNotFoundException",
        ),
    ] {
        let refused = tags::list_tags_for_resource(&logs.service, &scope, list(bad)).await;
        assert_eq!(refusal(refused).0, code);
    }
    let many: Vec<String> = (0..49).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    let refused = tags::tag_resource(&logs.service, &scope, tag(tags(&many))).await;
    assert_eq!(refusal(refused).0, "TooManyTagsException");
    let refused = tags::tag_resource(&logs.service, &scope, tag(tags(&[("AWS:x", "")]))).await;
    assert_eq!(refusal(refused).0, "InvalidParameterException");
}

#[tokio::test]
async fn a_group_that_cannot_be_is_refused() {
    let logs = Logs::new().await;
    let refused = create_group(&logs, |input| input.log_group_name = "AWS/mine".into()).await;
    assert_eq!(
        refusal(refused).1,
        "Log groups starting with AWS/ are reserved for AWS."
    );
    let refused = create_group(&logs, |input| input.kms_key_id = Some("key".into())).await;
    assert_eq!(
        refusal(refused).1,
        "Hearth does not support kmsKeyId yet. Please leave it out."
    );
    let refused = create_group(&logs, |input| input.deletion_protection_enabled = Some(true)).await;
    assert!(refusal(refused).1.contains("deletionProtectionEnabled"));
    let class = LogGroupClass::InfrequentAccess;
    let refused = create_group(&logs, |input| input.log_group_class = Some(class)).await;
    assert!(refusal(refused).1.contains("logGroupClass INFREQUENT_ACCESS"));
    assert_eq!(groups(&logs).await, []);
}
