//! UpdateAlias.

use hearth_store::When;
use hearth_wire::Context;
use hearth_wire::lambda::{AliasConfiguration, UpdateAliasRequest};
use uuid::Uuid;

use crate::alias::Alias;
use crate::error::Error;
use crate::reference::Target;
use crate::routing;
use crate::service::Service;

pub(crate) async fn update_alias(
    service: &Service,
    ctx: &Context,
    request: UpdateAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let arn = Target::resolve_latest(&ctx.scope, &request.function_name)?.arn;
    let _turn = service.turn.lock().await;
    let entry = service.registry.find(&arn);
    let entry = entry.ok_or_else(|| Error::NotFound(arn.to_string()))?;
    let missing = || Error::AliasNotFound(format!("{arn}:{}", request.name));
    let mut alias = Alias::clone(entry.aliases.get(&request.name).ok_or_else(missing)?);
    alias.check_revision(request.revision_id.as_deref())?;
    if let Some(version) = &request.function_version {
        alias.version = routing::version(&arn, version)?;
    }
    if let Some(routing) = request.routing_config {
        alias.additional = routing::additional(&arn, routing)?;
    }
    if let Some(description) = request.description {
        alias.description = description;
    }
    routing::check(&arn, &entry, &alias.version, alias.additional)?;
    alias.revision_id = Uuid::new_v4();
    let shown = alias.show();
    service.put_alias(alias, When::Present).await?;
    Ok(shown)
}
