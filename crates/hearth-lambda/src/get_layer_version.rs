//! GetLayerVersion.

use hearth_wire::Context;
use hearth_wire::lambda::{GetLayerVersionRequest, GetLayerVersionResponse};

use crate::error::Error;
use crate::layers;
use crate::service::Service;

pub(crate) async fn get_layer_version(
    service: &Service,
    ctx: &Context,
    request: GetLayerVersionRequest,
) -> Result<GetLayerVersionResponse, Error> {
    let arn = layers::version(ctx, &request.layer_name, request.version_number)?;
    let version = service.layers.readable(ctx, &arn)?;
    Ok(layers::shown(&version, ctx, &service.code_links))
}
