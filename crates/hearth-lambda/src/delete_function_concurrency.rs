//! DeleteFunctionConcurrency.

use hearth_wire::Context;
use hearth_wire::lambda::DeleteFunctionConcurrencyRequest;

use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn delete_function_concurrency(
    service: &Service,
    ctx: &Context,
    request: DeleteFunctionConcurrencyRequest,
) -> Result<(), Error> {
    let target = Target::resolve_whole(&ctx.scope, &request.function_name)?;
    service.reserve(&target.arn, None).await
}
