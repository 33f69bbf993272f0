//! Percent-encoding in paths, queries and forms.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::{AwsError, CommonError};

/// Decodes a path segment: `%2F` becomes `/`, `+` stays.
pub(crate) fn decode_segment(segment: &str) -> Result<Cow<'_, str>, AwsError> {
    percent_decode(segment.as_bytes())
        .decode_utf8()
        .map_err(|_| not_utf8())
}

/// Reads `a=1&b=2` in the order written; `+` is a space, a name without `=` has the empty value.
pub(crate) fn parse_query(query: &str) -> Result<Vec<(String, String)>, AwsError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode_form(name)?, decode_form(value)?))
        })
        .collect()
}

fn decode_form(text: &str) -> Result<String, AwsError> {
    let spaced = if text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    let decoded = percent_decode(spaced.as_bytes())
        .decode_utf8()
        .map_err(|_| not_utf8())?;
    Ok(decoded.into_owned())
}

fn not_utf8() -> AwsError {
    AwsError::common(
        CommonError::Serialization,
        "The request URI or form is not UTF-8.",
    )
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plus_is_a_space_in_queries_only() {
        assert_eq!(decode_segment("a+b%2Fc%20d").unwrap(), "a+b/c d");
        assert_eq!(
            parse_query("a+b=c%2Bd&&e=&f").unwrap(),
            [("a b", "c+d"), ("e", ""), ("f", "")].map(|(name, value)| (name.into(), value.into()))
        );
    }

    #[test]
    fn broken_escapes_stay_and_broken_utf8_is_refused() {
        assert_eq!(decode_segment("100%").unwrap(), "100%");
        assert_eq!(decode_segment("%zz").unwrap(), "%zz");
        assert!(decode_segment("%ff").is_err());
        assert!(parse_query("a=%ff").is_err());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(pairs in proptest::collection::vec((".{1,8}", ".{0,8}"), 0..5)) {
            let encode = |text: &String| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let query: Vec<String> =
                pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
            prop_assert_eq!(&parse_query(&query.join("&")).unwrap(), &pairs);
            for (name, _) in &pairs {
                let encoded = encode(name);
                prop_assert_eq!(&decode_segment(&encoded).unwrap(), name);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = parse_query(&text);
            let _ = decode_segment(&text);
        }
    }
}
