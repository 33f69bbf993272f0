//! The one table that turns this crate's errors into AWS's codes, statuses and messages.

use hearth_engine::{InvokeError, ReservationError};
use hearth_iam::policy::{InvalidPrincipal, PolicyError};
use hearth_store::StoreError;
use hearth_wire::lambda::StateReasonCode;
use hearth_wire::{AwsError, CommonError, lambda};
use http::HeaderValue;
use http::header::RETRY_AFTER;
use tracing::error;

use crate::code::{CodeError, PackageRefused};
use crate::create_alias::AliasExists;
use crate::create_function::CreateError;
use crate::delete_function::DeleteError;
use crate::function_urls::UrlError;
use crate::layers::{LayerError, LayersError};
use crate::lifecycle::NotReady;
use crate::marker::InvalidMarker;
use crate::payload::PayloadError;
use crate::policies::PermissionError;
use crate::publish_version::OtherCode;
use crate::reference::ReferenceError;
use crate::routing::RoutingError;
use crate::running::NotRun;
use crate::settings::SettingsError;
use crate::tags::TagError;
use crate::unsupported::Unsupported;

/// Whatever an operation can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such function, version or alias; the ARN is the one the message names.
    #[error("Function not found: {0}")]
    NotFound(String),
    /// There is no such alias; the ARN is the one the message names.
    #[error("Cannot find alias arn: {0}")]
    CannotFindAlias(String),
    /// The same, in the words that UpdateAlias has for it.
    #[error("Alias not found: {0}")]
    AliasNotFound(String),
    /// The function changed since the client looked.
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
         retrieve the latest Revision Id"
    )]
    RevisionMismatch,
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Create(#[from] CreateError),
    #[error(transparent)]
    Delete(#[from] DeleteError),
    #[error(transparent)]
    Publish(#[from] OtherCode),
    #[error(transparent)]
    AliasExists(#[from] AliasExists),
    #[error(transparent)]
    Routing(#[from] RoutingError),
    #[error(transparent)]
    Permission(#[from] PermissionError),
    #[error(transparent)]
    Principal(#[from] InvalidPrincipal),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Tags(#[from] TagError),
    #[error(transparent)]
    Code(#[from] CodeError),
    #[error(transparent)]
    Layer(#[from] LayerError),
    #[error(transparent)]
    Layers(#[from] LayersError),
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error(transparent)]
    Reservation(#[from] ReservationError),
    #[error(transparent)]
    Marker(#[from] InvalidMarker),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotRun> for Error {
    fn from(error: NotRun) -> Self {
        match error {
            NotRun::NoSuchFunction(arn) => Self::NotFound(arn.to_string()),
            NotRun::NotReady(error) => Self::NotReady(error),
            NotRun::Engine(error) => Self::Invoke(error),
        }
    }
}

impl From<Error> for AwsError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let modeled = |code| Self::modeled(&lambda::MODEL, code, text.clone());
        match error {
            Error::NotFound(_)
            | Error::CannotFindAlias(_)
            | Error::AliasNotFound(_)
            | Error::Permission(
                PermissionError::NothingThere
                | PermissionError::NoFunction(_)
                | PermissionError::NoPolicy
                | PermissionError::NoStatement(_),
            )
            | Error::Tags(TagError::NotThere { .. })
            | Error::Reference(ReferenceError::NoSuchName { .. } | ReferenceError::OtherRegion { .. }) => {
                modeled("ResourceNotFoundException")
            }
            // AWS says no more than that, so that nobody learns what other accounts have.
            Error::Reference(ReferenceError::OtherAccount) => Self::common(CommonError::AccessDenied, ""),
            Error::Url(UrlError::NoFunction | UrlError::NoUrl) => modeled("ResourceNotFoundException"),
            Error::RevisionMismatch
            | Error::Permission(PermissionError::RevisionMismatch)
            | Error::Layer(LayerError::RevisionMismatch) => modeled("PreconditionFailedException"),
            Error::Layer(LayerError::NotAuthorized { .. }) => Self::common(CommonError::AccessDenied, text),
            Error::Policy(PolicyError::TooLong { .. }) => modeled("PolicyLengthExceededException"),
            Error::Layer(LayerError::BelowOne) => modeled("InvalidParameterValueException"),
            Error::Layer(_) => modeled("ResourceNotFoundException"),
            Error::NotReady(NotReady::Unusable(reason)) => match reason.code {
                StateReasonCode::InvalidRuntime => modeled("InvalidRuntimeException"),
                _ => modeled("ServiceException"),
            },
            Error::NotReady(_)
            | Error::Create(CreateError::Exists(_))
            | Error::AliasExists(_)
            | Error::Policy(PolicyError::StatementExists(_))
            | Error::Delete(DeleteError::Referenced(_))
            | Error::Url(UrlError::Exists(_)) => modeled("ResourceConflictException"),
            Error::Code(CodeError::Refused(PackageRefused::TooLarge)) => {
                Self::common(CommonError::RequestTooLarge, text)
            }
            Error::Code(CodeError::StorageExceeded) => modeled("CodeStorageExceededException"),
            Error::Reference(ReferenceError::QualifierMismatch | ReferenceError::Qualified)
            | Error::Unsupported(_)
            | Error::Settings(_)
            | Error::Layers(_)
            | Error::Create(_)
            | Error::Delete(_)
            | Error::Publish(_)
            | Error::Routing(_)
            | Error::Permission(PermissionError::Latest | PermissionError::AuthType)
            | Error::Principal(_)
            | Error::Tags(_)
            | Error::Code(CodeError::Refused(_))
            | Error::Reservation(_)
            | Error::Marker(_) => modeled("InvalidParameterValueException"),
            Error::Payload(PayloadError::TooLarge { .. }) => Self::common(CommonError::RequestTooLarge, text),
            Error::Payload(_) => modeled("InvalidRequestContentException"),
            Error::Invoke(InvokeError::Throttled(reason)) => modeled("TooManyRequestsException")
                .with_member("Reason", reason.as_str())
                .with_header(RETRY_AFTER, HeaderValue::from_static("1")),
            Error::Invoke(InvokeError::ShuttingDown) => Self::common(CommonError::Unavailable, text),
            Error::Invoke(_)
            | Error::Code(CodeError::Store(_))
            | Error::Url(UrlError::Random(_))
            | Error::Store(_) => internal(&error),
        }
    }
}

/// A failure of ours: the log has the cause, the client learns whether trying again may help.
fn internal(cause: &Error) -> AwsError {
    error!(%cause, "a request failed");
    AwsError::modeled(&lambda::MODEL, "ServiceException", cause.to_string())
}
