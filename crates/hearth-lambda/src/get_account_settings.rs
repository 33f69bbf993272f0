//! GetAccountSettings.

use hearth_types::limits;
use hearth_wire::Context;
use hearth_wire::lambda::{
    AccountLimit, AccountUsage, GetAccountSettingsRequest, GetAccountSettingsResponse,
};

use crate::error::Error;
use crate::service::Service;

pub(crate) async fn get_account_settings(
    service: &Service,
    ctx: &Context,
    _request: GetAccountSettingsRequest,
) -> Result<GetAccountSettingsResponse, Error> {
    let usage = service.usage(&ctx.scope);
    let invoker = &service.invoker;
    Ok(GetAccountSettingsResponse {
        account_limit: Some(AccountLimit {
            total_code_size: Some(limits::CODE_STORAGE as i64),
            code_size_unzipped: Some(limits::CODE_UNZIPPED as i64),
            code_size_zipped: Some(limits::CODE_ZIPPED as i64),
            concurrent_executions: Some(invoker.account_concurrency() as i32),
            unreserved_concurrent_executions: Some(invoker.unreserved_concurrency(&ctx.scope) as i32),
        }),
        account_usage: Some(AccountUsage {
            total_code_size: Some(usage.code_bytes as i64),
            function_count: Some(usage.functions as i64),
        }),
    })
}
