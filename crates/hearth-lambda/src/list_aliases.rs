//! ListAliases.

use std::ops::Bound;
use std::sync::Arc;

use hearth_wire::Context;
use hearth_wire::lambda::{ListAliasesRequest, ListAliasesResponse};

use crate::alias::Alias;
use crate::error::Error;
use crate::marker::{self, page};
use crate::reference::Target;
use crate::routing;
use crate::service::Service;

pub(crate) async fn list_aliases(
    service: &Service,
    ctx: &Context,
    request: ListAliasesRequest,
) -> Result<ListAliasesResponse, Error> {
    let arn = Target::resolve_latest(&ctx.scope, &request.function_name)?.arn;
    let entry = service.registry.find(&arn);
    let entry = entry.ok_or_else(|| Error::NotFound(arn.to_string()))?;
    let version = request.function_version.as_deref();
    let version = version.map(|text| routing::version(&arn, text)).transpose()?;
    let after = request.marker.as_deref().map(marker::read).transpose()?;
    let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut aliases: Vec<&Arc<Alias>> = entry
        .aliases
        .range((begin, Bound::Unbounded))
        .map(|(_, alias)| alias)
        .filter(|alias| version.as_ref().is_none_or(|version| alias.refers_to(version)))
        .take(marker::wanted(request.max_items) + 1)
        .collect();
    let next_marker = page(&mut aliases, request.max_items, |last| last.name.clone());
    Ok(ListAliasesResponse {
        next_marker,
        aliases: Some(aliases.into_iter().map(|alias| alias.show()).collect()),
    })
}
