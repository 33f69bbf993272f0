//! DeleteFunctionUrlConfig.

use hearth_wire::Context;
use hearth_wire::lambda::DeleteFunctionUrlConfigRequest;

use crate::error::Error;
use crate::function_urls::UrlError;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn delete_function_url_config(
    service: &Service,
    ctx: &Context,
    request: DeleteFunctionUrlConfigRequest,
) -> Result<(), Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let _turn = service.turn.lock().await;
    let arn = target.whole_or_alias().ok_or(UrlError::NoUrl)?;
    let url = service.urls.get(&arn).ok_or(UrlError::NoUrl)?;
    service.delete_url(&url).await
}
