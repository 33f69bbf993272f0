//! GetFunctionConcurrency.

use hearth_wire::Context;
use hearth_wire::lambda::{GetFunctionConcurrencyRequest, GetFunctionConcurrencyResponse};

use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn get_function_concurrency(
    service: &Service,
    ctx: &Context,
    request: GetFunctionConcurrencyRequest,
) -> Result<GetFunctionConcurrencyResponse, Error> {
    let target = Target::resolve_whole(&ctx.scope, &request.function_name)?;
    let reserved = service
        .functions
        .find(&target.arn)
        .await?
        .function
        .whole
        .reserved_concurrency;
    Ok(GetFunctionConcurrencyResponse {
        reserved_concurrent_executions: reserved.map(|reserved| reserved as i32),
    })
}
