//! PutFunctionConcurrency.

use hearth_wire::Context;
use hearth_wire::lambda::{Concurrency, PutFunctionConcurrencyRequest};

use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn put_function_concurrency(
    service: &Service,
    ctx: &Context,
    request: PutFunctionConcurrencyRequest,
) -> Result<Concurrency, Error> {
    let target = Target::resolve_whole(&ctx.scope, &request.function_name)?;
    let reserved = request.reserved_concurrent_executions;
    match service.reserve(&target.arn, Some(reserved.unsigned_abs())).await {
        Ok(()) => Ok(Concurrency {
            reserved_concurrent_executions: Some(reserved),
        }),
        // This operation alone names the version.
        Err(Error::NotFound(arn)) => Err(Error::NotFound(format!("{arn}:$LATEST"))),
        Err(error) => Err(error),
    }
}
