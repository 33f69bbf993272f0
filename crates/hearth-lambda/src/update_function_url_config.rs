//! UpdateFunctionUrlConfig. What the request does not name stays as it is.

use hearth_types::time;
use hearth_wire::Context;
use hearth_wire::lambda::{UpdateFunctionUrlConfigRequest, UpdateFunctionUrlConfigResponse};

use crate::error::Error;
use crate::function_url::FunctionUrl;
use crate::function_urls::UrlError;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn update_function_url_config(
    service: &Service,
    ctx: &Context,
    request: UpdateFunctionUrlConfigRequest,
) -> Result<UpdateFunctionUrlConfigResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let _turn = service.turn.lock().await;
    let arn = service.url_target(&target).ok_or(UrlError::NoFunction)?;
    let before = service.urls.get(&arn).ok_or(UrlError::NoUrl)?;
    let url = service
        .replace_url(FunctionUrl {
            auth_type: request.auth_type.unwrap_or(before.auth_type),
            cors: request.cors.or_else(|| before.cors.clone()),
            invoke_mode: request.invoke_mode.unwrap_or(before.invoke_mode),
            modified: time::iso8601(ctx.received_at),
            ..FunctionUrl::clone(&before)
        })
        .await?;
    let shown = url.shown(&ctx.host);
    Ok(UpdateFunctionUrlConfigResponse {
        function_url: shown.function_url,
        function_arn: shown.function_arn,
        auth_type: shown.auth_type,
        cors: shown.cors,
        creation_time: shown.creation_time,
        last_modified_time: shown.last_modified_time,
        // As in the answer to CreateFunctionUrlConfig.
        invoke_mode: request.invoke_mode,
    })
}
