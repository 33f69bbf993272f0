//! AddLayerVersionPermission.

use hearth_wire::Context;
use hearth_wire::lambda::{AddLayerVersionPermissionRequest, AddLayerVersionPermissionResponse};

use crate::error::Error;
use crate::layers::{self, Statement};
use crate::service::Service;

pub(crate) async fn add_layer_version_permission(
    service: &Service,
    ctx: &Context,
    request: AddLayerVersionPermissionRequest,
) -> Result<AddLayerVersionPermissionResponse, Error> {
    let arn = layers::version(ctx, &request.layer_name, request.version_number)?;
    layers::own(ctx, &arn, "lambda:AddLayerVersionPermission")?;
    let statement = Statement {
        id: request.statement_id,
        principal: request.principal,
        organization: request.organization_id,
    };
    let text = statement.text(&arn);
    let _turn = service.turn.lock().await;
    let revision_id = service
        .layers
        .permit(&arn, request.revision_id.as_deref(), statement)
        .await?;
    Ok(AddLayerVersionPermissionResponse {
        statement: Some(text),
        revision_id: Some(revision_id),
    })
}
