//! GetLayerVersionByArn.

use hearth_types::LayerVersionArn;
use hearth_wire::Context;
use hearth_wire::lambda::{GetLayerVersionByArnRequest, GetLayerVersionResponse};

use crate::error::Error;
use crate::layers::{self, LayerError};
use crate::service::Service;

pub(crate) async fn get_layer_version_by_arn(
    service: &Service,
    ctx: &Context,
    request: GetLayerVersionByArnRequest,
) -> Result<GetLayerVersionResponse, Error> {
    // What the model lets through and cannot be read belongs to another partition.
    let arn = LayerVersionArn::parse(&request.arn).ok_or(LayerError::Gone)?;
    let version = service.layers.readable(ctx, &arn)?;
    Ok(layers::shown(&version, ctx, &service.code_links))
}
