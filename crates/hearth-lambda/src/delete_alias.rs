//! DeleteAlias.

use hearth_store::{Unit, When};
use hearth_wire::Context;
use hearth_wire::lambda::DeleteAliasRequest;

use crate::error::Error;
use crate::function_url;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn delete_alias(
    service: &Service,
    ctx: &Context,
    request: DeleteAliasRequest,
) -> Result<(), Error> {
    let arn = Target::resolve_latest(&ctx.scope, &request.function_name)?.arn;
    let _turn = service.turn.lock().await;
    let entry = service.registry.find(&arn);
    let entry = entry.ok_or_else(|| Error::NotFound(arn.to_string()))?;
    // Deleting an alias that does not exist succeeds.
    let Some(alias) = entry.aliases.get(&request.name) else {
        return Ok(());
    };
    let mut unit = Unit::new().delete(alias.key(), When::Present);
    let url = service.urls.get(&alias.arn());
    if let Some(url) = &url {
        unit = unit.delete(function_url::key(&url.arn()), When::Always);
    }
    service.store.commit(unit).await?;
    service.urls.remove(url.as_slice());
    service
        .registry
        .update(&arn, |entry| entry.remove_alias(&request.name));
    Ok(())
}
