//! The authenticator of requests that come from inside an environment.

use std::sync::Arc;

use hearth_wire::{Authenticated, Authenticator, AwsError, Caller, CallerKind, CommonError, SignedRequest};

use super::Verified;

/// Believes nobody unproven, on a developer's machine too: a function would only have to make up an access key there
/// to do what its developer may. And of all sessions only the environment's own is good inside it.
#[derive(Debug)]
pub struct Inside {
    verified: Arc<Verified>,
    /// The access key of the environment's session.
    access_key_id: String,
}

impl Inside {
    /// For the environment whose session has this access key.
    pub fn new(verified: Arc<Verified>, access_key_id: String) -> Self {
        Self {
            verified,
            access_key_id,
        }
    }

    /// Refuses the sessions of other environments.
    fn check(&self, caller: &Caller) -> Result<(), AwsError> {
        let session = matches!(caller.kind, CallerKind::Session { .. });
        if session && caller.access_key.as_deref() != Some(self.access_key_id.as_str()) {
            let message =
                "The security token included in the request belongs to another execution environment.";
            return Err(AwsError::common(CommonError::UnrecognizedClient, message));
        }
        Ok(())
    }
}

impl Authenticator for Inside {
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        let authenticated = self.verified.authenticate(request)?;
        self.check(&authenticated.caller)?;
        Ok(authenticated)
    }

    fn admit(&self, head: &SignedRequest<'_>) -> Result<(), AwsError> {
        self.check(&*self.verified.expect(head)?)
    }
}
