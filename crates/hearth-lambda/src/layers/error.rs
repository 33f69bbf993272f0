//! What can go wrong with a layer.

use hearth_types::LayerVersionArn;
use hearth_wire::Context;

/// Why an operation on a layer is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayerError {
    /// There is no such version.
    #[error("The resource you requested does not exist.")]
    Gone,
    /// The same, for operations on its policy.
    #[error("Layer version {0} does not exist.")]
    NoSuchVersion(LayerVersionArn),
    #[error("Layer Version Cannot be less than 1")]
    BelowOne,
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve \
         the latest Revision Id"
    )]
    RevisionMismatch,
    /// It belongs to another account, which does not permit this.
    #[error(
        "User: {user} is not authorized to perform: {action} on resource: {resource} because no resource-based \
         policy allows the {action} action"
    )]
    NotAuthorized {
        user: String,
        action: &'static str,
        resource: String,
    },
}

impl LayerError {
    /// The caller may not do this to another account's layer.
    pub(crate) fn not_authorized(ctx: &Context, action: &'static str, arn: &LayerVersionArn) -> Self {
        Self::NotAuthorized {
            user: ctx.caller.arn.clone(),
            action,
            resource: arn.to_string(),
        }
    }
}
