//! UpdateFunctionCode.

use hearth_wire::Context;
use hearth_wire::lambda::{FunctionConfiguration, UpdateFunctionCodeRequest};

use crate::code::Source;
use crate::configuration;
use crate::error::Error;
use crate::function::Function;
use crate::reference::Target;
use crate::service::{self, Service};
use crate::unsupported;

pub(crate) async fn update_function_code(
    service: &Service,
    ctx: &Context,
    mut request: UpdateFunctionCodeRequest,
) -> Result<FunctionConfiguration, Error> {
    let target = Target::resolve_latest(&ctx.scope, &request.function_name)?;
    unsupported::check_code(&request)?;
    let revision_id = request.revision_id.take();
    // Refused before the package is looked at, and looked at again when the change is made.
    let mut function = service.functions.find(&target.arn).await?.function;
    service::check_update(&function, revision_id.as_deref())?;
    let architecture = request
        .architectures
        .take()
        .and_then(|list| list.first().copied());
    let dry_run = request.dry_run == Some(true);
    let publish = request.publish == Some(true);
    let accepted = service.take_in(Source::from(request)).await?;
    let change = |function: &mut Function| {
        function.code = accepted.code;
        function.folder = accepted.folder;
        function.settings.architecture = architecture.unwrap_or(function.settings.architecture);
        Ok(())
    };
    if dry_run {
        change(&mut function)?;
    } else {
        let known = revision_id.as_deref();
        function = service
            .update(&target.arn, known, ctx.received_at, publish, change)
            .await?;
    }
    let version = publish.then(|| function.version.to_string());
    Ok(configuration::show(
        &function,
        &service.sealer,
        version.as_deref(),
    ))
}
