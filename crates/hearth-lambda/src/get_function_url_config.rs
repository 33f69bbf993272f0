//! GetFunctionUrlConfig.

use hearth_wire::Context;
use hearth_wire::lambda::{GetFunctionUrlConfigRequest, GetFunctionUrlConfigResponse};

use crate::error::Error;
use crate::function_urls::UrlError;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn get_function_url_config(
    service: &Service,
    ctx: &Context,
    request: GetFunctionUrlConfigRequest,
) -> Result<GetFunctionUrlConfigResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let arn = target.whole_or_alias().ok_or(UrlError::NoUrl)?;
    let url = service.urls.get(&arn).ok_or(UrlError::NoUrl)?;
    let shown = url.shown(&ctx.host);
    Ok(GetFunctionUrlConfigResponse {
        function_url: shown.function_url,
        function_arn: shown.function_arn,
        auth_type: shown.auth_type,
        cors: shown.cors,
        creation_time: shown.creation_time,
        last_modified_time: shown.last_modified_time,
        invoke_mode: shown.invoke_mode,
    })
}
