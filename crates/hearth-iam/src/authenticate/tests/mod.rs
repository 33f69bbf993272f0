//! All authenticators, as the router calls them.

mod inside;
mod lenient;
mod verified;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hearth_types::{AccountId, FunctionName, Region, Scope};
use hearth_wire::{Authenticated, Authenticator, AwsError, SignedRequest};
use http::request::Parts;

use crate::sigv4::Signer;
use crate::{AccessKey, Sealer, SessionCredentials, SessionIssuer, SessionSubject};

const ACCOUNT: &str = "123456789012";
const DENIED: &str = "User: arn:aws:sts::123456789012:assumed-role/worker/resize is not authorized to perform: \
    lambda:CreateFunction on resource: * because no identity-based policy allows the lambda:CreateFunction action";

/// 2026-01-01T00:00:00Z.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

/// A request for `lambda.Invoke` in eu-west-1.
struct Client {
    parts: Parts,
    body: Bytes,
    service: &'static str,
    operation: &'static str,
}

impl Client {
    fn new() -> Self {
        let request = http::Request::post("http://localhost:4566/2015-03-31/functions/resize/invocations");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Self {
            parts,
            body: Bytes::from_static(b"{}"),
            service: "lambda",
            operation: "Invoke",
        }
    }

    fn asking_for(self, service: &'static str, operation: &'static str) -> Self {
        Self {
            service,
            operation,
            ..self
        }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.parts.headers.insert(name, value.parse().unwrap());
        self
    }

    fn signed(mut self, key: &AccessKey, session_token: Option<&str>) -> Self {
        let signer = Signer {
            key,
            session_token,
            region: "eu-west-1",
            service: self.service,
        };
        signer.sign(&mut self.parts, &self.body, now()).unwrap();
        self
    }

    fn in_session(self, session: &SessionCredentials) -> Self {
        let (id, secret) = (session.access_key_id.clone(), session.secret_access_key.clone());
        self.signed(&AccessKey { id, secret }, Some(session.session_token.reveal()))
    }

    fn send(&self, to: &impl Authenticator) -> Result<Authenticated, AwsError> {
        to.authenticate(&self.request(&self.body))
    }

    /// Sends all but the body.
    fn announce(&self, to: &impl Authenticator) -> Result<(), AwsError> {
        to.admit(&self.request(&Bytes::new()))
    }

    fn request<'a>(&'a self, body: &'a Bytes) -> SignedRequest<'a> {
        let (method, uri, headers) = (&self.parts.method, &self.parts.uri, &self.parts.headers);
        let Self {
            service, operation, ..
        } = *self;
        SignedRequest {
            method,
            uri,
            headers,
            body,
            now: now(),
            service,
            operation,
        }
    }

    fn refused(&self, by: &impl Authenticator) -> (String, u16, String) {
        let error = self.send(by).unwrap_err();
        (error.code.into_owned(), error.status, error.message)
    }
}

fn sessions() -> SessionIssuer {
    SessionIssuer::new(Arc::new(Sealer::ephemeral()))
}

fn session(issuer: &SessionIssuer, at: SystemTime) -> SessionCredentials {
    let subject = SessionSubject {
        scope: Scope {
            account: account(),
            region: Region::default(),
        },
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/worker"),
        function: FunctionName::parse("resize").unwrap(),
    };
    issuer.issue(&subject, at)
}

fn refusal(code: &str, status: u16, message: &str) -> (String, u16, String) {
    (code.into(), status, message.into())
}
