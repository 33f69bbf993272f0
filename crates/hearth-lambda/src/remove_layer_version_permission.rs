//! RemoveLayerVersionPermission.

use hearth_wire::Context;
use hearth_wire::lambda::RemoveLayerVersionPermissionRequest;

use crate::error::Error;
use crate::layers;
use crate::service::Service;

pub(crate) async fn remove_layer_version_permission(
    service: &Service,
    ctx: &Context,
    request: RemoveLayerVersionPermissionRequest,
) -> Result<(), Error> {
    let arn = layers::version(ctx, &request.layer_name, request.version_number)?;
    layers::own(ctx, &arn, "lambda:RemoveLayerVersionPermission")?;
    let _turn = service.turn.lock().await;
    let revision_id = request.revision_id.as_deref();
    service
        .layers
        .forbid(&arn, revision_id, &request.statement_id)
        .await
}
