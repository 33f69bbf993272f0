//! DeleteLayerVersion.

use hearth_wire::Context;
use hearth_wire::lambda::DeleteLayerVersionRequest;

use crate::error::Error;
use crate::layers;
use crate::service::Service;

/// Functions that use the version keep it. Deleting what is not there succeeds.
pub(crate) async fn delete_layer_version(
    service: &Service,
    ctx: &Context,
    request: DeleteLayerVersionRequest,
) -> Result<(), Error> {
    let arn = layers::version(ctx, &request.layer_name, request.version_number)?;
    layers::own(ctx, &arn, "lambda:DeleteLayerVersion")?;
    let _turn = service.turn.lock().await;
    if let Some(version) = service.layers.delete(&arn).await? {
        service.code.keep(version.code.hash);
    }
    Ok(())
}
