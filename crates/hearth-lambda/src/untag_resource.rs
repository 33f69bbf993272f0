//! UntagResource.

use hearth_wire::Context;
use hearth_wire::lambda::UntagResourceRequest;

use crate::error::Error;
use crate::service::Service;
use crate::tags;

pub(crate) async fn untag_resource(
    service: &Service,
    ctx: &Context,
    request: UntagResourceRequest,
) -> Result<(), Error> {
    let arn = tags::function(ctx, &request.resource)?;
    service
        .change_tags(&arn, |tags| {
            tags.retain(|name, _| !request.tag_keys.contains(name))
        })
        .await
}
