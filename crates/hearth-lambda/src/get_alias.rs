//! GetAlias.

use hearth_wire::Context;
use hearth_wire::lambda::{AliasConfiguration, GetAliasRequest};

use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn get_alias(
    service: &Service,
    ctx: &Context,
    request: GetAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let arn = Target::resolve_latest(&ctx.scope, &request.function_name)?.arn;
    let entry = service.registry.find(&arn);
    let entry = entry.ok_or_else(|| Error::NotFound(arn.to_string()))?;
    match entry.aliases.get(&request.name) {
        Some(alias) => Ok(alias.show()),
        None => Err(Error::CannotFindAlias(format!("{arn}:{}", request.name))),
    }
}
