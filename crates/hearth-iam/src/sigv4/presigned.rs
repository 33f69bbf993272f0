//! A signature in the query of a presigned URL: `X-Amz-Algorithm`, `X-Amz-Credential` and so on.

use std::time::Duration;

use super::date::SigningDate;
use super::presented::{Presented, signed_headers};
use super::{ALGORITHM, Credential, SignatureError};
use crate::{Secret, hex};

/// The parameter that the signature is in.
pub(super) const SIGNATURE: &str = "X-Amz-Signature";
/// A week, the longest life of a presigned URL.
const LONGEST_SECONDS: u64 = 604_800;

/// Reads the parameters; `None` if the query has none of a signature.
pub(super) fn read(query: &str) -> Result<Option<Presented>, SignatureError> {
    if parameter(query, "X-Amz-Algorithm").is_none() && parameter(query, SIGNATURE).is_none() {
        return Ok(None);
    }
    let algorithm = required(query, "X-Amz-Algorithm")?;
    if algorithm != ALGORITHM {
        return Err(SignatureError::incomplete(format!(
            "Unsupported AWS 'algorithm': '{algorithm}'."
        )));
    }
    let date = required(query, "X-Amz-Date")?;
    let signature = required(query, SIGNATURE)?;
    Ok(Some(Presented {
        credential: Credential::parse(&required(query, "X-Amz-Credential")?)?,
        date: SigningDate::parse(&date).ok_or_else(|| {
            SignatureError::incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{date}'."))
        })?,
        lifetime: Some(lifetime(&required(query, "X-Amz-Expires")?)?),
        signed_headers: signed_headers(&required(query, "X-Amz-SignedHeaders")?),
        signature: hex::decode_digest(&signature).ok_or(SignatureError::Mismatch)?,
        token: unique(query, "X-Amz-Security-Token")?.map(Secret::new),
    }))
}

/// The first value of a parameter, decoded; parameter names are matched as the client wrote them.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    values(query, name).next()
}

fn values(query: &str, name: &str) -> impl Iterator<Item = String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value);
    values.map(|value| {
        percent_encoding::percent_decode_str(value)
            .decode_utf8_lossy()
            .into_owned()
    })
}

fn unique(query: &str, name: &str) -> Result<Option<String>, SignatureError> {
    let mut values = values(query, name);
    let value = values.next();
    match values.next() {
        None => Ok(value),
        Some(_) => Err(SignatureError::incomplete(format!(
            "'{name}' must not occur more than once."
        ))),
    }
}

fn required(query: &str, name: &str) -> Result<String, SignatureError> {
    unique(query, name)?.ok_or_else(|| {
        SignatureError::incomplete(format!("AWS query-string parameters must include '{name}'."))
    })
}

fn lifetime(text: &str) -> Result<Duration, SignatureError> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (1..=LONGEST_SECONDS).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        SignatureError::incomplete(format!(
            "X-Amz-Expires must be a number of seconds between 1 and {LONGEST_SECONDS}, got '{text}'."
        ))
    })
}
