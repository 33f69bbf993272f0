//! Session credentials: what a function's environment signs with.
//!
//! Nothing is stored. The session token is sealed and carries everything the server needs to know again:
//! the secret, whom the session stands for and when it ends.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hearth_types::{FunctionName, Scope};
use hearth_wire::{Caller, CallerKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::identity::Identity;
use crate::keys::{AccessKey, identifier};
use crate::{Sealer, Secret};

/// How long a session lasts. Longer than any environment lives.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What session tokens are sealed for.
const CONTEXT: &str = "session token";

/// Whom a session stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSubject {
    /// The function's account and region.
    pub scope: Scope,
    /// The function's execution role.
    pub role_arn: String,
    /// The function, which names the session.
    pub function: FunctionName,
}

/// Temporary credentials, as an environment gets them.
#[derive(Clone, Debug)]
pub struct SessionCredentials {
    /// `ASIA` and 16 letters and digits.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: Secret,
    /// What has to go with every request.
    pub session_token: Secret,
    /// When they end.
    pub expires: SystemTime,
}

/// Why session credentials are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionError {
    /// The token is not ours, or belongs to another access key.
    #[error("The security token included in the request is invalid.")]
    Unknown,
    /// The session is over.
    #[error("The security token included in the request is expired")]
    Expired,
}

/// Issues session credentials and recognises them again.
#[derive(Clone, Debug)]
pub struct SessionIssuer {
    sealer: Arc<Sealer>,
}

/// What a session token carries.
#[derive(Serialize, Deserialize)]
struct Token {
    access_key_id: String,
    secret_access_key: String,
    scope: Scope,
    role_arn: String,
    function: FunctionName,
    /// Seconds since the Unix epoch.
    expires: u64,
}

impl SessionIssuer {
    /// An issuer whose sessions every server with the same key recognises.
    pub fn new(sealer: Arc<Sealer>) -> Self {
        Self { sealer }
    }

    /// New credentials that end [`SESSION_LIFETIME`] from `now`.
    pub fn issue(&self, subject: &SessionSubject, now: SystemTime) -> SessionCredentials {
        let AccessKey { id, secret } = AccessKey::temporary();
        let expires = seconds(now + SESSION_LIFETIME);
        let token = Token {
            access_key_id: id.clone(),
            secret_access_key: secret.reveal().to_owned(),
            scope: subject.scope.clone(),
            role_arn: subject.role_arn.clone(),
            function: subject.function.clone(),
            expires,
        };
        let token = zeroize::Zeroizing::new(serde_json::to_vec(&token).expect("texts and numbers are JSON"));
        SessionCredentials {
            access_key_id: id,
            secret_access_key: secret,
            session_token: Secret::new(self.sealer.seal(&token, CONTEXT)),
            expires: UNIX_EPOCH + Duration::from_secs(expires),
        }
    }

    /// Whom an access key and its token stand for.
    pub(crate) fn resolve(
        &self,
        access_key_id: &str,
        token: &str,
        now: SystemTime,
    ) -> Result<Identity, SessionError> {
        let token = self
            .sealer
            .unseal(token, CONTEXT)
            .map_err(|_| SessionError::Unknown)?;
        let token: Token = serde_json::from_slice(&token).map_err(|_| SessionError::Unknown)?;
        if token.access_key_id != access_key_id {
            return Err(SessionError::Unknown);
        }
        if token.expires <= seconds(now) {
            return Err(SessionError::Expired);
        }
        Ok(token.into_identity())
    }
}

impl Token {
    fn into_identity(self) -> Identity {
        let account = self.scope.account;
        let role_name = self.role_arn.rsplit('/').next().unwrap_or_default();
        let caller = Caller {
            account,
            arn: format!(
                "arn:aws:sts::{account}:assumed-role/{role_name}/{}",
                self.function
            ),
            user_id: format!("{}:{}", role_id(&self.role_arn), self.function),
            access_key: Some(self.access_key_id),
            kind: CallerKind::Session {
                role_arn: self.role_arn,
                function: self.function,
            },
        };
        Identity {
            secret: Secret::new(self.secret_access_key),
            caller: Arc::new(caller),
        }
    }
}

/// The unique id of a role. Roles are not stored, so the id follows from the ARN.
fn role_id(role_arn: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(role_arn).into();
    identifier("AROA", *digest.first_chunk().expect("a digest has 32 bytes"))
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use hearth_types::{AccountId, Region};

    use super::*;

    const NOW: SystemTime = UNIX_EPOCH;

    fn issuer() -> SessionIssuer {
        SessionIssuer::new(Arc::new(Sealer::ephemeral()))
    }

    fn subject() -> SessionSubject {
        SessionSubject {
            scope: Scope {
                account: AccountId::parse("123456789012").unwrap(),
                region: Region::default(),
            },
            role_arn: "arn:aws:iam::123456789012:role/service/worker".into(),
            function: FunctionName::parse("resize").unwrap(),
        }
    }

    #[test]
    fn credentials_lead_back_to_function_and_role() {
        let (issuer, subject) = (issuer(), subject());
        let issued = issuer.issue(&subject, NOW);
        assert!(issued.access_key_id.starts_with("ASIA"));
        let token = issued.session_token.reveal();
        let Identity { secret, caller } = issuer.resolve(&issued.access_key_id, token, NOW).unwrap();
        assert_eq!(secret.reveal(), issued.secret_access_key.reveal());
        assert_eq!(caller.account, subject.scope.account);
        assert_eq!(caller.arn, "arn:aws:sts::123456789012:assumed-role/worker/resize");
        assert!(caller.user_id.starts_with("AROA") && caller.user_id.ends_with(":resize"));
        assert_eq!(caller.access_key.as_deref(), Some(issued.access_key_id.as_str()));
        let CallerKind::Session { role_arn, function } = &caller.kind else {
            panic!("{caller:?}")
        };
        assert_eq!((role_arn, function), (&subject.role_arn, &subject.function));
    }

    #[test]
    fn a_session_ends_after_twelve_hours() {
        let issuer = issuer();
        let issued = issuer.issue(&subject(), NOW);
        let (key, token) = (&issued.access_key_id, issued.session_token.reveal());
        assert_eq!(issued.expires, NOW + SESSION_LIFETIME);
        assert!(
            issuer
                .resolve(key, token, issued.expires - Duration::from_secs(1))
                .is_ok()
        );
        assert_eq!(
            issuer.resolve(key, token, issued.expires).unwrap_err(),
            SessionError::Expired
        );
    }

    #[test]
    fn a_token_is_good_for_its_own_key_and_server_only() {
        let (issuer, other, subject) = (issuer(), issuer(), subject());
        let (one, two) = (issuer.issue(&subject, NOW), issuer.issue(&subject, NOW));
        let foreign = other.issue(&subject, NOW);
        for (key, token) in [
            (&one.access_key_id, two.session_token.reveal()),
            (&foreign.access_key_id, foreign.session_token.reveal()),
            (&one.access_key_id, "made up"),
        ] {
            assert_eq!(
                issuer.resolve(key, token, NOW).unwrap_err(),
                SessionError::Unknown
            );
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let issued = issuer().issue(&subject(), NOW);
        let printed = format!("{issued:?}");
        assert!(!printed.contains(issued.secret_access_key.reveal()), "{printed}");
        assert!(!printed.contains(issued.session_token.reveal()), "{printed}");
    }
}
