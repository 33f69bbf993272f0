//! The event of an invocation: checked for being JSON, never parsed into a tree, never copied.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_types::limits;
use hearth_wire::lambda::InvocationType;
use serde_json::value::RawValue;

/// Longest `X-Amz-Client-Context` header, in bytes of base64.
const CLIENT_CONTEXT: usize = 3583;

/// The request cannot be an invocation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayloadError {
    /// More bytes than the invocation type permits.
    #[error("{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)")]
    TooLarge {
        size: usize,
        kind: InvocationType,
        limit: usize,
    },
    /// Not one JSON value.
    #[error("Could not parse request body into json: Could not parse payload into json: {0}")]
    NotJson(#[source] serde_json::Error),
    /// The header is not base64 of a JSON value.
    #[error("Client context must be a valid Base64-encoded JSON object.")]
    ClientContext,
    /// The header is too long.
    #[error("Client context must be no more than {CLIENT_CONTEXT} bytes when base64-encoded.")]
    ClientContextTooLarge,
}

/// The event that a function gets: the request's body, or `{}` where there is none.
pub(crate) fn accept(body: Bytes, kind: InvocationType) -> Result<Bytes, PayloadError> {
    let limit = match kind {
        InvocationType::Event => limits::ASYNC_PAYLOAD,
        InvocationType::RequestResponse | InvocationType::DryRun => limits::SYNC_PAYLOAD,
    };
    if body.len() > limit {
        return Err(PayloadError::TooLarge {
            size: body.len(),
            kind,
            limit,
        });
    }
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    check(&body).map_err(PayloadError::NotJson)?;
    Ok(body)
}

/// Decodes the client context into its JSON text.
pub(crate) fn client_context(header: &str) -> Result<String, PayloadError> {
    if header.len() > CLIENT_CONTEXT {
        return Err(PayloadError::ClientContextTooLarge);
    }
    let bytes = STANDARD.decode(header).map_err(|_| PayloadError::ClientContext)?;
    let text = String::from_utf8(bytes).map_err(|_| PayloadError::ClientContext)?;
    check(text.as_bytes()).map_err(|_| PayloadError::ClientContext)?;
    Ok(text)
}

/// Walks over exactly one JSON value without building it; nesting costs no stack.
fn check(bytes: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<&RawValue>(bytes).map(drop)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn accepts(body: &[u8]) -> bool {
        accept(Bytes::copy_from_slice(body), InvocationType::RequestResponse).is_ok()
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert_eq!(accept(Bytes::new(), InvocationType::Event).unwrap(), "{}");
    }

    #[test]
    fn any_single_json_value_is_an_event() {
        for good in [
            "null",
            " 1 ",
            "\"a\"",
            "[]",
            "{\"a\":[1,{}]}",
            "\"\\ud800\"",
            "\"é\"",
        ] {
            assert!(accepts(good.as_bytes()), "{good}");
        }
        for bad in ["", "{", "{}{}", "nul", "{'a':1}", "[1,]", "NaN", "\"\u{1}\"", " "]
            .iter()
            .skip(1)
        {
            assert!(!accepts(bad.as_bytes()), "{bad}");
        }
        assert!(!accepts(b"\"\xff\""), "not UTF-8");
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let depth = 2_000_000;
        let deep = [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(accepts(&deep));
        assert!(!accepts(&deep[..depth]));
    }

    #[test]
    fn each_type_has_its_limit() {
        let large = |size: usize| Bytes::from([&b"\""[..], &vec![b'a'; size - 2], b"\""].concat());
        assert!(accept(large(limits::SYNC_PAYLOAD), InvocationType::RequestResponse).is_ok());
        let error = accept(large(limits::SYNC_PAYLOAD + 1), InvocationType::RequestResponse).unwrap_err();
        assert_eq!(
            error.to_string(),
            "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
        );
        let error = accept(large(limits::ASYNC_PAYLOAD + 1), InvocationType::Event).unwrap_err();
        assert_eq!(
            error.to_string(),
            "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
        );
    }

    #[test]
    fn the_client_context_is_json_in_base64() {
        assert_eq!(client_context("eyJhIjoxfQ==").unwrap(), "{\"a\":1}");
        for bad in ["{}", "eyJh", "/w=="] {
            assert!(
                matches!(client_context(bad), Err(PayloadError::ClientContext)),
                "{bad}"
            );
        }
        assert!(matches!(
            client_context(&"A".repeat(3584)),
            Err(PayloadError::ClientContextTooLarge)
        ));
    }

    proptest! {
        /// The check agrees with a parser that builds the value, for text near JSON and for any bytes.
        #[test]
        fn it_agrees_with_a_full_parser(text in "[\\[\\]{}\",:0-9a-z \\\\.+-]{1,24}") {
            let parsed = serde_json::from_str::<Value>(&text);
            // A parser that builds values also refuses numbers that do not fit and lone surrogates.
            if parsed.is_ok() || !text.contains(['u', 'e']) {
                prop_assert_eq!(accepts(text.as_bytes()), parsed.is_ok());
            }
        }

        #[test]
        fn it_never_panics(bytes in prop::collection::vec(any::<u8>(), 1..64)) {
            accepts(&bytes);
        }
    }
}
