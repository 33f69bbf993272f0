//! DeleteFunction.

use std::sync::Arc;

use hearth_store::{Unit, When};
use hearth_types::{FunctionArn, Qualifier};
use hearth_wire::Context;
use hearth_wire::lambda::{DeleteFunctionRequest, DeleteFunctionResponse};

use crate::alias::Alias;
use crate::error::Error;
use crate::function;
use crate::reference::Target;
use crate::service::Service;

/// The request names a part of a function that cannot be deleted by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteError {
    #[error("$LATEST version cannot be deleted without deleting the function.")]
    Latest,
    #[error("Deletion of aliases is not currently supported.")]
    Alias,
    /// Aliases point to the version.
    #[error("Unable to delete version because the following aliases reference it: [{}]", .0.join(", "))]
    Referenced(Vec<String>),
}

pub(crate) async fn delete_function(
    service: &Service,
    ctx: &Context,
    request: DeleteFunctionRequest,
) -> Result<DeleteFunctionResponse, Error> {
    let target = Target::resolve(&ctx.scope, &request.function_name, request.qualifier.as_deref())?;
    match target.state() {
        _ if target.qualifier.is_none() => service.delete(&target.arn).await?,
        Some(Qualifier::Latest) => return Err(DeleteError::Latest.into()),
        Some(Qualifier::Alias(_)) => return Err(DeleteError::Alias.into()),
        Some(Qualifier::Version(number)) => service.delete_version(&target.arn, number).await?,
        // Deleting what does not exist succeeds; but the function must.
        None => drop(service.functions.find(&target.arn).await?),
    }
    Ok(DeleteFunctionResponse {
        status_code: Some(204),
    })
}

impl Service {
    /// Deletes a version and takes it out of service. Its number is not given again.
    async fn delete_version(&self, arn: &FunctionArn, number: u64) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let entry = self.registry.find(arn);
        let entry = entry.ok_or_else(|| Error::NotFound(arn.to_string()))?;
        let version = Qualifier::Version(number);
        let of_it = |alias: &&Arc<Alias>| alias.refers_to(&version);
        let aliases: Vec<String> = entry
            .aliases
            .values()
            .filter(of_it)
            .map(|alias| alias.name.clone())
            .collect();
        if !aliases.is_empty() {
            return Err(DeleteError::Referenced(aliases).into());
        }
        if !entry.versions.contains_key(&number) {
            return Ok(());
        }
        let unit = Unit::new().delete(function::version_key(arn, number), When::Present);
        self.store.commit(unit).await?;
        if let Some(release) = self
            .registry
            .update(arn, |entry| entry.remove_version(number))
            .flatten()
        {
            self.let_go(&release);
        }
        Ok(())
    }
}
