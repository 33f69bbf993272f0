//! PublishVersion.

use std::time::SystemTime;

use hearth_store::{Unit, When};
use hearth_types::FunctionArn;
use hearth_wire::Context;
use hearth_wire::lambda::{FunctionConfiguration, PublishVersionRequest};

use crate::configuration;
use crate::error::Error;
use crate::function::{Function, Stored};
use crate::lifecycle::Lifecycle;
use crate::reference::Target;
use crate::service::{self, Service};
use crate::unsupported;

/// The client means other code than `$LATEST` has.
#[derive(Debug, thiserror::Error)]
#[error(
    "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({current}). Please try again with the \
     CodeSHA256 in $LATEST."
)]
pub(crate) struct OtherCode {
    wanted: String,
    current: String,
}

pub(crate) async fn publish_version(
    service: &Service,
    ctx: &Context,
    request: PublishVersionRequest,
) -> Result<FunctionConfiguration, Error> {
    let target = Target::resolve_latest(&ctx.scope, &request.function_name)?;
    unsupported::check_publication(&request)?;
    let version = service.publish(&target.arn, request, ctx.received_at).await?;
    let number = version.version.to_string();
    Ok(configuration::show(&version, &service.sealer, Some(&number)))
}

impl Service {
    /// Publishes `$LATEST`. Where nothing has changed since it was published last, that version is the answer.
    async fn publish(
        &self,
        arn: &FunctionArn,
        request: PublishVersionRequest,
        now: SystemTime,
    ) -> Result<Function, Error> {
        let _turn = self.turn.lock().await;
        let Stored {
            mut function,
            revision,
        } = self.functions.find(arn).await?;
        service::check_revision(&function, request.revision_id.as_deref())?;
        check_code(&function, request.code_sha256)?;
        function.lifecycle.check_publish(arn)?;
        let version = self
            .version_of(&mut function, request.description, Lifecycle::Ready, now)
            .await?;
        if !version.is_new {
            return Ok(version.function);
        }
        self.check_storage(&arn.scope, 0, function.code.size)?;
        function.enter(Lifecycle::Ready);
        let unit = Unit::new()
            .put(function.key(), function.to_body(), When::Revision(revision))
            .put(version.function.key(), version.function.to_body(), When::Absent);
        self.store.commit(unit).await?;
        let release = self.release(&version.function, version.number);
        self.registry
            .update(arn, |entry| entry.put_version(version.number, release));
        Ok(version.function)
    }
}

fn check_code(function: &Function, wanted: Option<String>) -> Result<(), OtherCode> {
    let current = function.code.hash.to_base64();
    match wanted {
        // Clients send an empty text to say nothing.
        Some(wanted) if !wanted.is_empty() && wanted != current => Err(OtherCode { wanted, current }),
        _ => Ok(()),
    }
}
