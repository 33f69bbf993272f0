//! RemovePermission.

use hearth_wire::Context;
use hearth_wire::lambda::RemovePermissionRequest;

use crate::error::Error;
use crate::policies::PermissionError;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn remove_permission(
    service: &Service,
    ctx: &Context,
    request: RemovePermissionRequest,
) -> Result<(), Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let _turn = service.turn.lock().await;
    if service.registry.find(&target.arn).is_none() {
        return Err(PermissionError::NoFunction(target.arn).into());
    }
    let holder = match service.policy_holder(&target).await {
        Err(Error::Permission(PermissionError::Latest)) => return Err(PermissionError::NoPolicy.into()),
        holder => holder?,
    };
    let mut policy = holder.policy().clone();
    if policy.is_empty() {
        return Err(PermissionError::NoPolicy.into());
    }
    if !holder.is_known_as(request.revision_id.as_deref()) {
        return Err(Error::RevisionMismatch);
    }
    if !policy.remove(&request.statement_id) {
        return Err(PermissionError::NoStatement(request.statement_id).into());
    }
    service.put_policy(holder, policy).await
}
