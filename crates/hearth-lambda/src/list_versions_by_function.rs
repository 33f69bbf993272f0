//! ListVersionsByFunction.

use hearth_wire::Context;
use hearth_wire::lambda::{ListVersionsByFunctionRequest, ListVersionsByFunctionResponse};

use crate::configuration;
use crate::error::Error;
use crate::function::Function;
use crate::marker::{self, InvalidMarker, page};
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn list_versions_by_function(
    service: &Service,
    ctx: &Context,
    request: ListVersionsByFunctionRequest,
) -> Result<ListVersionsByFunctionResponse, Error> {
    // A qualifier in the name means nothing here, and AWS accepts it.
    let arn = Target::resolve(&ctx.scope, &request.function_name, None)?.arn;
    let latest = service.functions.find(&arn).await?.function;
    let after: Option<u64> = match request.marker.as_deref() {
        Some(marker) => Some(marker::read(marker)?.parse().map_err(|_| InvalidMarker)?),
        None => None,
    };
    let mut states: Vec<Function> = match after {
        None => vec![latest],
        Some(_) => Vec::new(),
    };
    let more = marker::wanted(request.max_items) + 1 - states.len();
    states.extend(service.functions.versions(&arn, after.unwrap_or(0), more).await?);
    let next_marker = page(&mut states, request.max_items, |last| {
        last.version.number().to_string()
    });
    let shown = states.iter().map(|state| {
        let version = state.version.to_string();
        configuration::listed(state, &service.sealer, Some(&version))
    });
    Ok(ListVersionsByFunctionResponse {
        versions: Some(shown.collect()),
        next_marker,
    })
}
