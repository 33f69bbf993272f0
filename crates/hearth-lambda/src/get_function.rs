//! GetFunction.

use hearth_types::Qualifier;
use hearth_wire::Context;
use hearth_wire::lambda::{Concurrency, FunctionCodeLocation, GetFunctionRequest, GetFunctionResponse};

use crate::configuration;
use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;

pub(crate) async fn get_function(
    service: &Service,
    ctx: &Context,
    request: GetFunctionRequest,
) -> Result<GetFunctionResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    let function = service.require(&target).await?.function;
    let whole = match function.version {
        Qualifier::Latest => function.whole.clone(),
        _ => service.functions.find(&target.arn).await?.function.whole,
    };
    Ok(GetFunctionResponse {
        configuration: Some(configuration::show(
            &function,
            &service.sealer,
            target.qualifier.as_deref(),
        )),
        code: Some(FunctionCodeLocation {
            repository_type: Some("S3".to_owned()),
            location: Some(match &function.folder {
                Some(path) => format!("file://{path}"),
                None => service
                    .code_links
                    .link(&ctx.host, function.code.hash, ctx.received_at),
            }),
            ..FunctionCodeLocation::default()
        }),
        tags: (!whole.tags.is_empty()).then_some(whole.tags),
        concurrency: whole.reserved_concurrency.map(|reserved| Concurrency {
            reserved_concurrent_executions: Some(reserved as i32),
        }),
        ..GetFunctionResponse::default()
    })
}
