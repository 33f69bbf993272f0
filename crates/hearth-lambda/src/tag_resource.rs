//! TagResource.

use hearth_wire::Context;
use hearth_wire::lambda::TagResourceRequest;

use crate::error::Error;
use crate::service::Service;
use crate::tags::{self, TagError};

pub(crate) async fn tag_resource(
    service: &Service,
    ctx: &Context,
    request: TagResourceRequest,
) -> Result<(), Error> {
    let arn = tags::function(ctx, &request.resource)?;
    if request.tags.is_empty() {
        return Err(TagError::None.into());
    }
    service.change_tags(&arn, |tags| tags.extend(request.tags)).await
}
