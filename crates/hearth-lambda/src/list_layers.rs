//! ListLayers.

use hearth_wire::Context;
use hearth_wire::lambda::{LayersListItem, ListLayersRequest, ListLayersResponse};

use crate::error::Error;
use crate::layers::{self, Filter};
use crate::marker::{self, page};
use crate::service::Service;

pub(crate) async fn list_layers(
    service: &Service,
    ctx: &Context,
    request: ListLayersRequest,
) -> Result<ListLayersResponse, Error> {
    let after = request.marker.as_deref().map(marker::read).transpose()?;
    let filter = Filter {
        runtime: request.compatible_runtime,
        architecture: request.compatible_architecture,
    };
    let mut found = service.layers.latest(&ctx.scope, &filter);
    found.retain(|(name, _)| after.as_deref().is_none_or(|after| name.as_str() > after));
    let next_marker = page(&mut found, request.max_items, |(name, _)| name.to_string());
    let shown = found.iter().map(|(name, latest)| LayersListItem {
        layer_name: Some(name.to_string()),
        layer_arn: Some(latest.arn.layer.to_string()),
        latest_matching_version: Some(layers::listed(latest)),
    });
    Ok(ListLayersResponse {
        layers: Some(shown.collect()),
        next_marker,
    })
}
