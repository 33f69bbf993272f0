//! GetPolicy.

use hearth_wire::Context;
use hearth_wire::lambda::{GetPolicyRequest, GetPolicyResponse};

use crate::error::Error;
use crate::policies::PermissionError;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn get_policy(
    service: &Service,
    ctx: &Context,
    request: GetPolicyRequest,
) -> Result<GetPolicyResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let holder = match service.policy_holder(&target).await {
        // Whatever is missing, AWS says the same.
        Err(Error::NotFound(_) | Error::CannotFindAlias(_) | Error::Permission(PermissionError::Latest)) => {
            return Err(PermissionError::NothingThere.into());
        }
        holder => holder?,
    };
    if holder.policy().is_empty() {
        return Err(PermissionError::NothingThere.into());
    }
    Ok(GetPolicyResponse {
        policy: Some(holder.policy().to_json()),
        revision_id: Some(holder.revision_id().to_string()),
    })
}
