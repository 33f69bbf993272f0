//! DeleteFunction.

use hearth_wire::Context;
use hearth_wire::lambda::{DeleteFunctionRequest, DeleteFunctionResponse};

use crate::error::Error;
use crate::reference::Target;
use crate::service::Service;

/// The request names a part of a function that cannot be deleted by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteError {
    #[error("$LATEST version cannot be deleted without deleting the function.")]
    Latest,
    #[error("Deletion of aliases is not currently supported.")]
    Alias,
}

pub(crate) async fn delete_function(
    service: &Service,
    ctx: &Context,
    request: DeleteFunctionRequest,
) -> Result<DeleteFunctionResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    if target.alias().is_some() {
        return Err(DeleteError::Alias.into());
    }
    match target.qualifier.as_deref() {
        None => service.delete(&target.arn).await?,
        Some("$LATEST") => return Err(DeleteError::Latest.into()),
        // Deleting a version that does not exist succeeds, and no version exists; but the function must.
        Some(_) => drop(service.functions.find(&target.arn).await?),
    }
    Ok(DeleteFunctionResponse {
        status_code: Some(204),
    })
}
