//! The credential a request was signed with: an access key id and the scope of the signing key.

use super::SignatureError;

const TERMINATOR: &str = "aws4_request";

/// `<access key id>/<yyyymmdd>/<region>/<service>/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// Reads the five parts; whether they fit the request is [`super::Presented::check`]'s to say.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [_, _, _, _, TERMINATOR] if parts.iter().all(|part| !part.is_empty()) => {
                Ok(Self(text.to_owned()))
            }
            [_, _, _, _, end] if *end != TERMINATOR => Err(SignatureError::invalid(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{end}'."
            ))),
            _ => Err(SignatureError::incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{text}'"
            ))),
        }
    }

    pub(super) fn new(access_key: &str, date: &str, region: &str, service: &str) -> Self {
        Self(format!("{access_key}/{date}/{region}/{service}/{TERMINATOR}"))
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The access key id.
    pub fn access_key(&self) -> &str {
        self.part(0)
    }

    /// The day the signing key is for, `yyyymmdd`.
    pub fn date(&self) -> &str {
        self.part(1)
    }

    /// The region the signing key is for.
    pub fn region(&self) -> &str {
        self.part(2)
    }

    /// The service the signing key is for.
    pub fn service(&self) -> &str {
        self.part(3)
    }

    /// Everything but the access key id.
    pub fn scope(&self) -> &str {
        &self.0[self.access_key().len() + 1..]
    }

    fn part(&self, index: usize) -> &str {
        self.0.split('/').nth(index).expect("there are five parts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_found() {
        let text = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
        let credential = Credential::parse(text).unwrap();
        assert_eq!(credential.access_key(), "AKIDEXAMPLE");
        assert_eq!(credential.date(), "20150830");
        assert_eq!(credential.region(), "us-east-1");
        assert_eq!(credential.service(), "service");
        assert_eq!(credential.scope(), "20150830/us-east-1/service/aws4_request");
        assert_eq!(
            Credential::new("AKIDEXAMPLE", "20150830", "us-east-1", "service"),
            credential
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in [
            "",
            "a/b/c/d",
            "a/b/c/d/e/aws4_request",
            "a//c/d/aws4_request",
            "/b/c/d/aws4_request",
        ] {
            assert!(
                matches!(Credential::parse(bad), Err(SignatureError::Incomplete(_))),
                "{bad}"
            );
        }
        assert!(matches!(
            Credential::parse("a/b/c/d/aws3"),
            Err(SignatureError::Invalid(_))
        ));
    }
}
