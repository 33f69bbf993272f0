//! The signature a request presents, and the rules it can be held to without knowing the secret.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};

use super::date::{self, SigningDate};
use super::{Credential, Request, Rules, SignatureError, authorization, presigned};
use crate::Secret;

/// A signature as a request carries it, in its header or in its query.
#[derive(Clone, Debug)]
pub struct Presented {
    pub(super) credential: Credential,
    pub(super) date: SigningDate,
    /// Lower-case names in the order of the canonical request.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: [u8; 32],
    /// How long a presigned request is good for.
    pub(super) lifetime: Option<Duration>,
    pub(super) token: Option<Secret>,
}

impl Presented {
    /// Takes the signature out of a request; `None` if it carries none.
    pub fn read(request: &Request<'_>) -> Result<Option<Self>, SignatureError> {
        if let Some(value) = single(request.headers, AUTHORIZATION.as_str())? {
            return authorization::read(value, request.headers).map(Some);
        }
        presigned::read(request.uri.query().unwrap_or_default())
    }

    /// What the request was signed with.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The session token that came along.
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(Secret::reveal)
    }

    /// Applies every rule that needs no secret: scope, time, and which headers must be signed.
    pub fn check(&self, headers: &HeaderMap, rules: &Rules, now: SystemTime) -> Result<(), SignatureError> {
        self.check_scope(rules)?;
        self.check_time(rules, now)?;
        self.check_signed_headers(headers)
    }

    fn check_scope(&self, rules: &Rules) -> Result<(), SignatureError> {
        if self.credential.service() != rules.service {
            return Err(SignatureError::invalid(format!(
                "Credential should be scoped to correct service: '{}'.",
                rules.service
            )));
        }
        let (day, date) = (self.credential.date(), &self.date);
        if day == date.day() {
            return Ok(());
        }
        Err(SignatureError::invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{day}' != '{}', from '{}'.",
            date.day(),
            date.as_str()
        )))
    }

    fn check_time(&self, rules: &Rules, now: SystemTime) -> Result<(), SignatureError> {
        let (signed, skew) = (self.date.as_str(), rules.clock_skew);
        let lifetime = self.lifetime.unwrap_or(skew);
        let (earliest, latest) = (now - lifetime, now + skew);
        let now = date::format(now);
        if self.date.at() < earliest {
            let (earliest, lifetime) = (date::format(earliest), in_words(lifetime));
            return Err(SignatureError::invalid(format!(
                "Signature expired: {signed} is now earlier than {earliest} ({now} - {lifetime}.)"
            )));
        }
        if self.date.at() > latest {
            let (latest, skew) = (date::format(latest), in_words(skew));
            return Err(SignatureError::invalid(format!(
                "Signature not yet current: {signed} is still later than {latest} ({now} + {skew}.)"
            )));
        }
        Ok(())
    }

    /// The host and every `x-amz-*` header must be signed. The session token may be added afterwards,
    /// which SigV4 allows: it is bound to the access key by itself.
    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), SignatureError> {
        let amazon = headers.keys().map(http::HeaderName::as_str);
        let amazon = amazon.filter(|name| name.starts_with("x-amz-") && *name != "x-amz-security-token");
        match std::iter::once(HOST.as_str())
            .chain(amazon)
            .find(|name| !self.signs(name))
        {
            None => Ok(()),
            Some(name) => Err(SignatureError::invalid(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            ))),
        }
    }

    fn signs(&self, name: &str) -> bool {
        self.signed_headers.iter().any(|signed| signed == name)
    }
}

/// The value of a header that may occur once.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, SignatureError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(Some)
            .map_err(|_| SignatureError::incomplete(format!("'{name}' is not printable ASCII."))),
        _ => Err(SignatureError::incomplete(format!(
            "'{name}' must not occur more than once."
        ))),
    }
}

/// Reads `host;x-amz-date`.
pub(super) fn signed_headers(text: &str) -> Vec<String> {
    text.split(';').map(str::to_owned).collect()
}

fn in_words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} sec"),
    }
}
