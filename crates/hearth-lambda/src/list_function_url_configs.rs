//! ListFunctionUrlConfigs.

use hearth_wire::Context;
use hearth_wire::lambda::{ListFunctionUrlConfigsRequest, ListFunctionUrlConfigsResponse};

use crate::error::Error;
use crate::function_urls::UrlError;
use crate::marker::{self, page};
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn list_function_url_configs(
    service: &Service,
    ctx: &Context,
    request: ListFunctionUrlConfigsRequest,
) -> Result<ListFunctionUrlConfigsResponse, Error> {
    let target = Target::resolve_whole(&ctx.scope, &request.function_name)?;
    let arn = service.url_target(&target).ok_or(UrlError::NoFunction)?;
    // The URL of the function itself comes first; its marker is empty, as no alias's name is.
    let after = request.marker.as_deref().map(marker::read).transpose()?;
    let mut urls = service.urls.of(&arn);
    urls.retain(|url| {
        after
            .as_deref()
            .is_none_or(|after| url.alias.as_deref().unwrap_or_default() > after)
    });
    let next_marker = page(&mut urls, request.max_items, |last| {
        last.alias.clone().unwrap_or_default()
    });
    Ok(ListFunctionUrlConfigsResponse {
        function_url_configs: Some(urls.iter().map(|url| url.shown(&ctx.host)).collect()),
        next_marker,
    })
}
