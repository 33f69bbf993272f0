//! Environments get their credentials from the issuer of sessions.

use std::time::SystemTime;

use hearth_engine::{CredentialSource, FunctionSpec, SessionVariables};
use hearth_iam::{SessionIssuer, SessionSubject};

/// Issues each environment its own session.
pub(super) struct Sessions(pub(super) SessionIssuer);

impl CredentialSource for Sessions {
    fn session(&self, spec: &FunctionSpec) -> SessionVariables {
        let subject = SessionSubject {
            scope: spec.arn.scope.clone(),
            role_arn: spec.role.clone(),
            function: spec.arn.name.clone(),
        };
        let issued = self.0.issue(&subject, SystemTime::now());
        SessionVariables {
            access_key_id: issued.access_key_id,
            secret_access_key: issued.secret_access_key.reveal().to_owned(),
            session_token: issued.session_token.reveal().to_owned(),
        }
    }
}
