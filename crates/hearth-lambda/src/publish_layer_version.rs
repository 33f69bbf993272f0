//! PublishLayerVersion.

use hearth_types::time;
use hearth_wire::Context;
use hearth_wire::lambda::{PublishLayerVersionRequest, PublishLayerVersionResponse};

use crate::code::Source;
use crate::error::Error;
use crate::layers::{self, LayerVersion};
use crate::service::Service;

pub(crate) async fn publish_layer_version(
    service: &Service,
    ctx: &Context,
    request: PublishLayerVersionRequest,
) -> Result<PublishLayerVersionResponse, Error> {
    let layer = layers::layer(ctx, &request.layer_name)?;
    layers::own(ctx, &layer.version(1), "lambda:PublishLayerVersion")?;
    let code = service.code.accept(Source::from(request.content)).await?;
    let version = {
        let _turn = service.turn.lock().await;
        service.check_storage(&ctx.scope, 0, code.size)?;
        let version = LayerVersion {
            arn: layer.version(service.layers.next(&layer)),
            code,
            created: time::last_modified(ctx.received_at),
            description: request.description.unwrap_or_default(),
            license: request.license_info,
            architectures: request.compatible_architectures,
            runtimes: request.compatible_runtimes,
            policy: None,
        };
        service.layers.publish(version).await?
    };
    let shown = layers::shown(&version, ctx, &service.code_links);
    Ok(PublishLayerVersionResponse {
        content: shown.content,
        layer_arn: shown.layer_arn,
        layer_version_arn: shown.layer_version_arn,
        description: shown.description,
        created_date: shown.created_date,
        version: shown.version,
        compatible_architectures: shown.compatible_architectures,
        compatible_runtimes: shown.compatible_runtimes,
        license_info: shown.license_info,
    })
}
