//! CreateFunction.

use hearth_types::FunctionName;
use hearth_wire::Context;
use hearth_wire::lambda::{CreateFunctionRequest, FunctionConfiguration};

use crate::code::Source;
use crate::configuration;
use crate::environment::SealedEnvironment;
use crate::error::Error;
use crate::function::Function;
use crate::lifecycle::Lifecycle;
use crate::reference::Target;
use crate::service::Service;
use crate::settings::{Settings, SettingsChange};
use crate::unsupported;

/// Longest name of a function; the model's limit is that of an ARN.
const NAME_LENGTH: usize = 64;

/// A function that cannot be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    #[error(
        "1 validation error detected: Value '{0}' at 'functionName' failed to satisfy constraint: Member must have \
         length less than or equal to {NAME_LENGTH}"
    )]
    NameTooLong(FunctionName),
    #[error("Function already exist: {0}")]
    Exists(FunctionName),
}

pub(crate) async fn create_function(
    service: &Service,
    ctx: &Context,
    mut request: CreateFunctionRequest,
) -> Result<FunctionConfiguration, Error> {
    // A qualifier in the name means nothing here, and AWS accepts it.
    let arn = Target::resolve(&ctx.scope, &request.function_name, None)?.arn;
    if arn.name.as_str().len() > NAME_LENGTH {
        return Err(CreateError::NameTooLong(arn.name).into());
    }
    unsupported::check_new(&request)?;
    let publish = request.publish == Some(true);
    let tags = request.tags.take().unwrap_or_default();
    service.check_tags(&tags)?;
    let layers = request.layers.take().unwrap_or_default();
    let change = SettingsChange {
        layers: Some(service.layers.resolve(ctx, layers)?),
        ..SettingsChange::of_new(&mut request)
    };
    let mut settings = Settings::for_new(arn.name.as_str());
    settings.apply(change, &service.catalogue, |variables| {
        SealedEnvironment::seal(&service.sealer, &arn, variables)
    })?;
    if service.registry.find(&arn).is_some() {
        return Err(CreateError::Exists(arn.name).into());
    }
    let code = service.take_in(Source::from(request.code)).await?;
    let mut function = Function::new(arn, code, settings, ctx.received_at);
    function.whole.tags = tags;
    let version = publish.then(|| function.publish(None, Lifecycle::Creating, ctx.received_at));
    service.insert(&function, version.as_ref()).await?;
    // AWS names the version it published and the ARN without it.
    let shown = version.as_ref().unwrap_or(&function);
    Ok(configuration::show(shown, &service.sealer, None))
}
