//! GetFunctionConfiguration.

use hearth_wire::Context;
use hearth_wire::lambda::{FunctionConfiguration, GetFunctionConfigurationRequest};

use crate::configuration;
use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn get_function_configuration(
    service: &Service,
    ctx: &Context,
    request: GetFunctionConfigurationRequest,
) -> Result<FunctionConfiguration, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let function = service.require(&target).await?.function;
    Ok(configuration::show(
        &function,
        &service.sealer,
        target.qualifier.as_deref(),
    ))
}
