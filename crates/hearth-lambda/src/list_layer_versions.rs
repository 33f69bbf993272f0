//! ListLayerVersions.

use hearth_wire::Context;
use hearth_wire::lambda::{ListLayerVersionsRequest, ListLayerVersionsResponse};

use crate::error::Error;
use crate::layers::{self, Filter};
use crate::marker::{self, InvalidMarker, page};
use crate::service::Service;

/// The newest first. A layer that does not exist has no versions.
pub(crate) async fn list_layer_versions(
    service: &Service,
    ctx: &Context,
    request: ListLayerVersionsRequest,
) -> Result<ListLayerVersionsResponse, Error> {
    let layer = layers::layer(ctx, &request.layer_name)?;
    layers::own(ctx, &layer.version(1), "lambda:ListLayerVersions")?;
    let before: Option<u64> = match request.marker.as_deref() {
        Some(marker) => Some(marker::read(marker)?.parse().map_err(|_| InvalidMarker)?),
        None => None,
    };
    let filter = Filter {
        runtime: request.compatible_runtime,
        architecture: request.compatible_architecture,
    };
    let mut versions = service.layers.versions(&layer);
    versions
        .retain(|version| filter.admits(version) && before.is_none_or(|before| version.arn.version < before));
    let next_marker = page(&mut versions, request.max_items, |version| {
        version.arn.version.to_string()
    });
    let shown = versions.iter().map(|version| layers::listed(version));
    Ok(ListLayerVersionsResponse {
        layer_versions: Some(shown.collect()),
        next_marker,
    })
}
