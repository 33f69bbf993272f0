//! ListFunctions.

use hearth_types::Scope;
use hearth_wire::Context;
use hearth_wire::lambda::{FunctionVersion, ListFunctionsRequest, ListFunctionsResponse};

use crate::configuration;
use crate::error::Error;
use crate::marker;
use crate::service::Service;

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
    let after = request.marker.as_deref().map(marker::read).transpose()?;
    let one_more = marker::wanted(request.max_items) + 1;
    let mut functions = page(service, &ctx.scope, after.as_deref(), one_more).await?;
    let next_marker = marker::page(&mut functions, request.max_items, |last| last.name.to_string());
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
