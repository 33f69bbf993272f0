//! Why a signature was refused, in AWS's words.

/// A request whose signature is absent, malformed, out of date or wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The parts of a signature are missing or malformed.
    #[error("{0}")]
    Incomplete(String),
    /// The signature is well formed but breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The recomputed signature differs.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS \
         Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// The body is not what its `aws-chunked` framing announces.
    #[error("The request body is not well-formed aws-chunked data: {0}")]
    Body(&'static str),
}

impl SignatureError {
    pub(super) fn incomplete(text: impl Into<String>) -> Self {
        Self::Incomplete(text.into())
    }

    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }
}
