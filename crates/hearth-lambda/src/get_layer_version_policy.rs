//! GetLayerVersionPolicy.

use hearth_wire::Context;
use hearth_wire::lambda::{GetLayerVersionPolicyRequest, GetLayerVersionPolicyResponse};

use crate::error::Error;
use crate::layers::{self, LayerError};
use crate::policies::PermissionError;
use crate::service::Service;

pub(crate) async fn get_layer_version_policy(
    service: &Service,
    ctx: &Context,
    request: GetLayerVersionPolicyRequest,
) -> Result<GetLayerVersionPolicyResponse, Error> {
    let arn = layers::version(ctx, &request.layer_name, request.version_number)?;
    layers::own(ctx, &arn, "lambda:GetLayerVersionPolicy")?;
    let version = service.layers.find(&arn);
    let version = version.ok_or_else(|| LayerError::NoSuchVersion(arn.clone()))?;
    let policy = version.policy.as_ref().ok_or(PermissionError::NoPolicy)?;
    Ok(GetLayerVersionPolicyResponse {
        policy: Some(policy.to_json()),
        revision_id: Some(policy.revision_id()),
    })
}
