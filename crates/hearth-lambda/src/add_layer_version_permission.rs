//! AddLayerVersionPermission.

use hearth_iam::policy::{Condition, Effect, Facts, Principal, Statement};
use hearth_wire::Context;
use hearth_wire::lambda::{AddLayerVersionPermissionRequest, AddLayerVersionPermissionResponse};

use crate::error::Error;
use crate::layers;
use crate::service::Service;

pub(crate) async fn add_layer_version_permission(
    service: &Service,
    ctx: &Context,
    request: AddLayerVersionPermissionRequest,
) -> Result<AddLayerVersionPermissionResponse, Error> {
    let arn = layers::version(ctx, &request.layer_name, request.version_number)?;
    layers::own(ctx, &arn, "lambda:AddLayerVersionPermission")?;
    let organization = Facts {
        principal_org_id: request.organization_id.as_deref(),
        ..Facts::default()
    };
    let statement = Statement {
        effect: Effect::Allow,
        principal: Principal::parse(&request.principal)?,
        condition: Condition::on(organization, None),
        sid: request.statement_id,
        action: request.action,
        resource: arn.to_string(),
    };
    let text = statement.to_json();
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
