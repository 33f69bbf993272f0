//! An error that a runtime or an extension reports itself.

use bytes::Bytes;

/// What was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedError {
    /// The type, of the form that the platform accepts.
    pub error_type: String,
    /// The document, passed on to the caller unchanged.
    pub body: Bytes,
}

impl ReportedError {
    /// An error with the type that a header names.
    pub(crate) fn new(header: Option<&str>, body: Bytes) -> Self {
        Self {
            error_type: accepted_type(header.unwrap_or_default()).to_owned(),
            body,
        }
    }
}

/// The type as the platform takes it over: `Runtime.X` and `Function.X` stay, others become unknown ones.
fn accepted_type(given: &str) -> &str {
    let rest = given
        .strip_prefix("Runtime.")
        .or_else(|| given.strip_prefix("Function."));
    let mut letters = rest.unwrap_or_default().bytes();
    let capital = letters.next().is_some_and(|letter| letter.is_ascii_uppercase());
    if capital && letters.next().is_some_and(|letter| letter.is_ascii_alphabetic()) {
        given
    } else if given.starts_with("Function.") {
        "Function.Unknown"
    } else {
        "Runtime.Unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_another_form_are_unknown() {
        for (given, accepted) in [
            ("Runtime.UnknownReason", "Runtime.UnknownReason"),
            ("Function.Foo", "Function.Foo"),
            ("Function.foo", "Function.Unknown"),
            ("Function.", "Function.Unknown"),
            ("Runtime.F", "Runtime.Unknown"),
            ("MyError", "Runtime.Unknown"),
            ("", "Runtime.Unknown"),
        ] {
            assert_eq!(accepted_type(given), accepted, "{given}");
        }
    }
}
