//! CreateAlias.

use hearth_iam::policy::ResourcePolicy;
use hearth_store::When;
use hearth_wire::Context;
use hearth_wire::lambda::{AliasConfiguration, CreateAliasRequest};
use uuid::Uuid;

use crate::alias::Alias;
use crate::error::Error;
use crate::reference::Target;
use crate::routing;
use crate::service::Service;

/// The function has an alias of this name; the ARN is the alias'.
#[derive(Debug, thiserror::Error)]
#[error("Alias already exists: {0}")]
pub(crate) struct AliasExists(String);

pub(crate) async fn create_alias(
    service: &Service,
    ctx: &Context,
    request: CreateAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let arn = Target::resolve_latest(&ctx.scope, &request.function_name)?.arn;
    let version = routing::version(&arn, &request.function_version)?;
    let _turn = service.turn.lock().await;
    // AWS names the version also where the function is missing.
    let missing = || Error::NotFound(arn.qualified(version.clone()).to_string());
    let entry = service.registry.find(&arn).ok_or_else(missing)?;
    let additional = routing::additional(&arn, request.routing_config.unwrap_or_default())?;
    routing::check(&arn, &entry, &version, additional)?;
    let alias = Alias {
        scope: arn.scope.clone(),
        function: arn.name.clone(),
        name: request.name,
        description: request.description.unwrap_or_default(),
        version,
        additional,
        revision_id: Uuid::new_v4(),
        policy: ResourcePolicy::default(),
    };
    if entry.aliases.contains_key(&alias.name) {
        return Err(AliasExists(alias.arn().to_string()).into());
    }
    let shown = alias.show();
    service.put_alias(alias, When::Absent).await?;
    Ok(shown)
}
