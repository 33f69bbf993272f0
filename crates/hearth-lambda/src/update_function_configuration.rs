//! UpdateFunctionConfiguration.

use hearth_wire::Context;
use hearth_wire::lambda::{FunctionConfiguration, UpdateFunctionConfigurationRequest};

use crate::configuration;
use crate::environment::SealedEnvironment;
use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;
use crate::settings::SettingsChange;
use crate::unsupported;

pub(crate) async fn update_function_configuration(
    service: &Service,
    ctx: &Context,
    mut request: UpdateFunctionConfigurationRequest,
) -> Result<FunctionConfiguration, Error> {
    let target = Target::resolve_latest(&ctx.scope, &request.function_name)?;
    unsupported::check_configuration(&request)?;
    let layers = request.layers.take();
    let change = SettingsChange {
        layers: layers
            .map(|names| service.layers.resolve(ctx, names))
            .transpose()?,
        ..SettingsChange::of_update(&mut request)
    };
    let seal = |variables: &_| SealedEnvironment::seal(&service.sealer, &target.arn, variables);
    let revision_id = request.revision_id.as_deref();
    let function = service
        .update(&target.arn, revision_id, ctx.received_at, false, |function| {
            Ok(function.settings.apply(change, &service.catalogue, seal)?)
        })
        .await?;
    Ok(configuration::show(&function, &service.sealer, None))
}
