//! The authenticator of a developer's machine: whoever asks is believed.

use std::sync::Arc;

use hearth_types::{AccountId, Region, Scope};
use hearth_wire::{Authenticated, Authenticator, AwsError, Caller, CallerKind, SignedRequest};

use super::refusal::Refusal;
use super::{permission, signed};
use crate::SessionIssuer;
use crate::identity::account_caller;
use crate::sessions::SessionError;
use crate::sigv4::{Claimed, decode_unverified};

/// Takes requests with any credentials or none. An access key id of twelve digits is the account, any other
/// means [`AccountId::DEFAULT`]; the region is the signature's, else the default one. Functions are held to
/// the same limits as on a server that verifies, so that what works here works there.
#[derive(Debug)]
pub struct Lenient {
    sessions: SessionIssuer,
}

impl Lenient {
    /// Recognises the sessions of the issuer.
    pub fn new(sessions: SessionIssuer) -> Self {
        Self { sessions }
    }

    fn accept(&self, request: &SignedRequest<'_>) -> Result<Authenticated, Refusal> {
        let signed = signed(request);
        let body = decode_unverified(&signed)?;
        let claimed = Claimed::read(&signed);
        let caller = self.expect(&claimed, request)?;
        let region = claimed
            .region
            .and_then(|region| Region::parse(&region).ok())
            .unwrap_or_default();
        Ok(Authenticated {
            scope: Scope {
                account: caller.account,
                region,
            },
            caller,
            body,
        })
    }

    /// Whom a request claims to come from, if he may do what it asks for.
    fn expect(&self, claimed: &Claimed, request: &SignedRequest<'_>) -> Result<Arc<Caller>, Refusal> {
        let caller = self.caller(claimed, request)?;
        permission::check(&caller, request.service, request.operation)?;
        Ok(caller)
    }

    fn caller(&self, claimed: &Claimed, request: &SignedRequest<'_>) -> Result<Arc<Caller>, SessionError> {
        if let (Some(access_key), Some(token)) = (&claimed.access_key, &claimed.token) {
            match self.sessions.resolve(access_key, token.reveal(), request.now) {
                Ok(identity) => return Ok(identity.caller),
                Err(SessionError::Expired) => return Err(SessionError::Expired),
                Err(SessionError::Unknown) => {}
            }
        }
        let account = claimed
            .access_key
            .as_deref()
            .and_then(|key| AccountId::parse(key).ok());
        let account = account.unwrap_or(AccountId::DEFAULT);
        Ok(Arc::new(account_caller(
            account,
            claimed.access_key.clone(),
            CallerKind::Anonymous,
        )))
    }
}

impl Authenticator for Lenient {
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        Ok(self.accept(request)?)
    }

    fn admit(&self, head: &SignedRequest<'_>) -> Result<(), AwsError> {
        self.expect(&Claimed::read(&signed(head)), head)?;
        Ok(())
    }
}
