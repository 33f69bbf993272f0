//! A signature in the `Authorization` header:
//! `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.

use http::HeaderMap;
use http::header::DATE;

use super::date::SigningDate;
use super::presented::{Presented, signed_headers, single};
use super::{ALGORITHM, Credential, SignatureError};
use crate::{Secret, hex};

/// Reads the header's value; date and session token have headers of their own.
pub(super) fn read(value: &str, headers: &HeaderMap) -> Result<Presented, SignatureError> {
    let fields = Fields::parse(value)?;
    let date = date(headers)?;
    let missing = [
        (
            fields.credential.is_none(),
            "Authorization header requires 'Credential' parameter.",
        ),
        (
            fields.signature.is_none(),
            "Authorization header requires 'Signature' parameter.",
        ),
        (
            fields.signed_headers.is_none(),
            "Authorization header requires 'SignedHeaders' parameter.",
        ),
        (
            date.is_none(),
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ),
    ];
    let (
        Fields {
            credential: Some(credential),
            signed_headers: Some(names),
            signature: Some(signature),
        },
        Some(date),
    ) = (fields, date)
    else {
        let missing: Vec<&str> = missing
            .iter()
            .filter_map(|(is, text)| is.then_some(*text))
            .collect();
        return Err(SignatureError::incomplete(missing.join(" ")));
    };
    Ok(Presented {
        credential: Credential::parse(credential)?,
        date,
        signed_headers: signed_headers(names),
        // What is not 64 hexadecimal digits cannot be the right signature.
        signature: hex::decode_digest(signature).ok_or(SignatureError::Mismatch)?,
        lifetime: None,
        token: single(headers, "x-amz-security-token")?.map(|token| Secret::new(token.to_owned())),
    })
}

#[derive(Default)]
struct Fields<'a> {
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn parse(value: &'a str) -> Result<Self, SignatureError> {
        let (algorithm, rest) = value.trim().split_once(' ').unwrap_or((value, ""));
        if algorithm != ALGORITHM {
            return Err(SignatureError::incomplete(format!(
                "Unsupported AWS 'algorithm': '{algorithm}'."
            )));
        }
        let mut fields = Self::default();
        for field in rest.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').ok_or_else(|| malformed(field))?;
            let slot = match name {
                "Credential" => &mut fields.credential,
                "SignedHeaders" => &mut fields.signed_headers,
                "Signature" => &mut fields.signature,
                _ => return Err(malformed(field)),
            };
            if slot.replace(value).is_some() {
                return Err(malformed(field));
            }
        }
        Ok(fields)
    }
}

fn malformed(field: &str) -> SignatureError {
    SignatureError::incomplete(format!(
        "'{field}' not a valid key=value pair in Authorization header."
    ))
}

fn date(headers: &HeaderMap) -> Result<Option<SigningDate>, SignatureError> {
    let (name, text) = match single(headers, "x-amz-date")? {
        Some(text) => ("X-Amz-Date", text),
        None => match single(headers, DATE.as_str())? {
            Some(text) => ("Date", text),
            None => return Ok(None),
        },
    };
    let date = SigningDate::parse(text).or_else(|| SigningDate::parse_http(text));
    date.map(Some).ok_or_else(|| {
        SignatureError::incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}' in '{name}'."
        ))
    })
}
