//! ListFunctions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hearth_types::Scope;
use hearth_wire::Context;
use hearth_wire::lambda::{FunctionVersion, ListFunctionsRequest, ListFunctionsResponse};

use crate::configuration;
use crate::error::Error;
use crate::service::Service;

/// The most functions in one answer, whatever `MaxItems` says.
const PAGE: usize = 50;

/// The marker is not one that an earlier answer gave.
#[derive(Debug, thiserror::Error)]
#[error("Invalid marker. Please use the NextMarker of an earlier response.")]
pub(crate) struct InvalidMarker;

pub(crate) async fn list_functions(
    service: &Service,
    ctx: &Context,
    request: ListFunctionsRequest,
) -> Result<ListFunctionsResponse, Error> {
    if request.master_region.is_some() {
        // Asks for the replicas of functions that a content network runs; there are none.
        return Ok(ListFunctionsResponse {
            functions: Some(Vec::new()),
            next_marker: None,
        });
    }
    let after = request.marker.as_deref().map(read_marker).transpose()?;
    let wanted = request
        .max_items
        .map_or(PAGE, |max| (max.max(1) as usize).min(PAGE));
    let mut functions = page(service, &ctx.scope, after.as_deref(), wanted + 1).await?;
    let more = functions.len() > wanted;
    functions.truncate(wanted);
    let next_marker = functions
        .last()
        .filter(|_| more)
        .map(|last| marker(last.name.as_str()));
    let qualified = request.function_version == Some(FunctionVersion::All);
    let shown = functions
        .iter()
        .map(|function| configuration::listed(function, &service.sealer, qualified));
    Ok(ListFunctionsResponse {
        functions: Some(shown.collect()),
        next_marker,
    })
}

async fn page(
    service: &Service,
    scope: &Scope,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<crate::function::Function>, Error> {
    Ok(service.functions.list(scope, after, limit).await?)
}

pub(crate) fn marker(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

pub(crate) fn read_marker(marker: &str) -> Result<String, InvalidMarker> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).map_err(|_| InvalidMarker)?;
    String::from_utf8(bytes).map_err(|_| InvalidMarker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_names_the_last_function_of_a_page() {
        assert_eq!(read_marker(&marker("my-function")).unwrap(), "my-function");
        assert!(read_marker("?").is_err());
        assert!(read_marker("_w").is_err());
    }
}
