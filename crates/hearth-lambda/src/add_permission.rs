//! AddPermission.

use hearth_iam::policy::{Condition, Effect, Facts, Principal, Statement};
use hearth_wire::Context;
use hearth_wire::lambda::{AddPermissionRequest, AddPermissionResponse};

use crate::error::Error;
use crate::policies::PermissionError;
use crate::reference::Target;
use crate::service::Service;

/// The only action that a URL's kind of authentication is asked for.
const USE_URL: &str = "lambda:InvokeFunctionUrl";

pub(crate) async fn add_permission(
    service: &Service,
    ctx: &Context,
    request: AddPermissionRequest,
) -> Result<AddPermissionResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let _turn = service.turn.lock().await;
    let holder = service.policy_holder(&target).await?;
    if !holder.is_known_as(request.revision_id.as_deref()) {
        return Err(PermissionError::RevisionMismatch.into());
    }
    let statement = statement(request, target.qualified_arn())?;
    let text = statement.to_json();
    let mut policy = holder.policy().clone();
    policy.add(statement)?;
    service.put_policy(holder, policy).await?;
    Ok(AddPermissionResponse {
        statement: Some(text),
    })
}

fn statement(request: AddPermissionRequest, resource: String) -> Result<Statement, Error> {
    if request.function_url_auth_type.is_some() && !request.action.eq_ignore_ascii_case(USE_URL) {
        return Err(PermissionError::AuthType.into());
    }
    let auth_type = request.function_url_auth_type.map(|auth_type| auth_type.as_str());
    let facts = Facts {
        source_arn: request.source_arn.as_deref(),
        source_account: request.source_account.as_deref(),
        event_source_token: request.event_source_token.as_deref(),
        principal_org_id: request.principal_org_id.as_deref(),
        function_url_auth_type: auth_type,
        invoked_via_function_url: false,
    };
    Ok(Statement {
        effect: Effect::Allow,
        principal: Principal::parse(&request.principal)?,
        condition: Condition::on(facts, request.invoked_via_function_url),
        sid: request.statement_id,
        action: request.action,
        resource,
    })
}
