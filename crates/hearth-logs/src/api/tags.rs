//! The tags of a group, whichever operation asks: TagResource, UntagResource and ListTagsForResource name it by its ARN,
//! the older TagLogGroup, UntagLogGroup and ListTagsLogGroup by its name.

use std::collections::BTreeMap;

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, ListTagsLogGroupRequest,
    ListTagsLogGroupResponse, MODEL, TagLogGroupRequest, TagResourceRequest, UntagLogGroupRequest,
    UntagResourceRequest,
};

use super::answers::{invalid, no_group};
use super::group_reference::{identified, key};
use crate::group_key::GroupKey;
use crate::service::LogService;

type Tags = BTreeMap<String, String>;

/// Most tags of a group.
const MAX_TAGS: usize = 50;
/// Begins the tags that only AWS sets, in any case.
const RESERVED: &str = "aws:";

/// Adds tags to those of the resource named, or none of them.
pub(super) fn add(tags: &mut Tags, new: Tags, resource: &str) -> Result<(), AwsError> {
    let reserved = |name: &String| {
        let start = name.get(..RESERVED.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
    };
    if new.keys().any(reserved) {
        return Err(invalid(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    let mut all = tags.clone();
    all.extend(new);
    if all.len() > MAX_TAGS {
        let message = format!("A resource can have at most {MAX_TAGS} tags.");
        let error = AwsError::modeled(&MODEL, "TooManyTagsException", message);
        return Err(error.with_member("resourceName", resource));
    }
    *tags = all;
    Ok(())
}

pub(super) async fn tag_resource(
    service: &LogService,
    scope: &Scope,
    input: TagResourceRequest,
) -> Result<(), AwsError> {
    tag(service, &resource(scope, input.resource_arn)?, input.tags).await
}

pub(super) async fn untag_resource(
    service: &LogService,
    scope: &Scope,
    input: UntagResourceRequest,
) -> Result<(), AwsError> {
    untag(service, &resource(scope, input.resource_arn)?, &input.tag_keys).await
}

pub(super) async fn list_tags_for_resource(
    service: &LogService,
    scope: &Scope,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, AwsError> {
    let tags = list(service, &resource(scope, input.resource_arn)?)?;
    Ok(ListTagsForResourceResponse { tags: Some(tags) })
}

pub(super) async fn tag_log_group(
    service: &LogService,
    scope: &Scope,
    input: TagLogGroupRequest,
) -> Result<(), AwsError> {
    tag(service, &key(scope, &input.log_group_name)?, input.tags).await
}

pub(super) async fn untag_log_group(
    service: &LogService,
    scope: &Scope,
    input: UntagLogGroupRequest,
) -> Result<(), AwsError> {
    untag(service, &key(scope, &input.log_group_name)?, &input.tags).await
}

pub(super) async fn list_tags_log_group(
    service: &LogService,
    scope: &Scope,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, AwsError> {
    let tags = list(service, &key(scope, &input.log_group_name)?)?;
    Ok(ListTagsLogGroupResponse { tags: Some(tags) })
}

/// The group that an ARN names.
fn resource(scope: &Scope, arn: String) -> Result<GroupKey, AwsError> {
    if !arn.starts_with("arn:") {
        return Err(invalid(format!("'{arn}' is not an ARN.")));
    }
    let name = identified(scope, arn).ok_or_else(no_group)?;
    key(scope, &name)
}

async fn tag(service: &LogService, key: &GroupKey, tags: Tags) -> Result<(), AwsError> {
    service
        .change_group(key, |group| add(&mut group.tags, tags, &key.name))
        .await
}

async fn untag(service: &LogService, key: &GroupKey, names: &[String]) -> Result<(), AwsError> {
    service
        .change_group(key, |group| {
            group.tags.retain(|name, _| !names.contains(name));
            Ok(())
        })
        .await
}

fn list(service: &LogService, key: &GroupKey) -> Result<Tags, AwsError> {
    service.group(key).map(|group| group.tags).ok_or_else(no_group)
}
