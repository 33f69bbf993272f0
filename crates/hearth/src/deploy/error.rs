//! Why a deployment fails.

use hearth_runtime::Family;

use crate::client::ClientError;
use crate::package::PackageError;

/// Why a deployment fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Client(ClientError),
    #[error(
        "the server has no {} interpreter; `hearth doctor` on its machine says how to get one",
        .0.title()
    )]
    NoInterpreter(Family),
    #[error(
        "the project asks for a version of {} that the server does not have (it has {there}); install it on the \
         server's machine, or insist on another with --runtime",
        family.title()
    )]
    NoSuchVersion { family: Family, there: String },
    #[error("the function is deployed but does not work: {reason}")]
    Failed { reason: String },
    #[error("the function is deployed but was not ready within {seconds} s; `hearth show` tells its state")]
    Slow { seconds: u64 },
}
