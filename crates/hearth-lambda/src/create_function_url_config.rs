//! CreateFunctionUrlConfig.

use hearth_types::time;
use hearth_wire::Context;
use hearth_wire::lambda::{CreateFunctionUrlConfigRequest, CreateFunctionUrlConfigResponse, InvokeMode};

use crate::error::Error;
use crate::function_url::{self, FunctionUrl};
use crate::function_urls::UrlError;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn create_function_url_config(
    service: &Service,
    ctx: &Context,
    request: CreateFunctionUrlConfigRequest,
) -> Result<CreateFunctionUrlConfigResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let _turn = service.turn.lock().await;
    let arn = service.url_target(&target).ok_or(UrlError::NoFunction)?;
    if service.urls.get(&arn).is_some() {
        return Err(UrlError::Exists(arn).into());
    }
    let now = time::iso8601(ctx.received_at);
    let url = service
        .insert_url(FunctionUrl {
            id: function_url::new_id().map_err(UrlError::from)?,
            scope: arn.scope,
            name: arn.name,
            alias: target.alias(),
            auth_type: request.auth_type,
            cors: request.cors,
            invoke_mode: request.invoke_mode.unwrap_or(InvokeMode::Buffered),
            created: now.clone(),
            modified: now,
        })
        .await?;
    Ok(CreateFunctionUrlConfigResponse {
        function_url: Some(url.address(&ctx.host)),
        function_arn: Some(url.arn().to_string()),
        auth_type: Some(url.auth_type),
        cors: url.cors.clone(),
        creation_time: Some(url.created.clone()),
        // AWS shows it here only if the request names it.
        invoke_mode: request.invoke_mode,
    })
}
