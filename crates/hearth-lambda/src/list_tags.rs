//! ListTags.

use hearth_wire::Context;
use hearth_wire::lambda::{ListTagsRequest, ListTagsResponse};

use crate::error::Error;
use crate::service::Service;
use crate::tags;

pub(crate) async fn list_tags(
    service: &Service,
    ctx: &Context,
    request: ListTagsRequest,
) -> Result<ListTagsResponse, Error> {
    let arn = tags::function(ctx, &request.resource)?;
    let function = service.functions.find(&arn).await?.function;
    Ok(ListTagsResponse {
        tags: Some(function.whole.tags),
    })
}
