//! What came of a case.

use std::fmt;

use bytes::Bytes;
use hearth_runtime::frames::RuntimeError;

/// Everything the server sees of an environment.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// The answer to the claim.
    pub(crate) init: Answer,
    /// The answers to the invocations.
    pub(crate) answers: Vec<Answer>,
    /// How the process ended, if it did by itself.
    pub(crate) exit: Option<String>,
    /// The events of the log.
    pub(crate) log: Vec<String>,
}

/// What the environment answered.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// The handler is loaded.
    Claimed,
    /// A response.
    Response(String),
    /// A response that was streamed.
    Stream {
        /// Its content type.
        content_type: String,
        /// What was written.
        body: String,
        /// Whether it was ended.
        complete: bool,
        /// Type and JSON of the error that the invocation failed with.
        error: Option<(String, String)>,
    },
    /// An error.
    Error {
        /// Its type.
        error_type: String,
        /// Its JSON.
        body: String,
    },
    /// Nothing: the process ended.
    Ended,
}

impl Answer {
    pub(crate) fn response(body: &Bytes) -> Self {
        Self::Response(text(body))
    }

    /// The same with each text changed, but for bodies that are only large.
    pub(crate) fn map(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Response(body) if body.len() > 100_000 => Self::Response(body),
            Self::Response(body) => Self::Response(change(&body)),
            Self::Error { error_type, body } => Self::Error {
                error_type,
                body: change(&body),
            },
            Self::Stream {
                content_type,
                body,
                complete,
                error,
            } => Self::Stream {
                content_type,
                body: if body.len() > 100_000 { body } else { change(&body) },
                complete,
                error: error.map(|(error_type, body)| (error_type, change(&body))),
            },
            other => other,
        }
    }
}

impl From<RuntimeError> for Answer {
    fn from(error: RuntimeError) -> Self {
        Self::Error {
            error_type: error.error_type,
            body: text(&error.body),
        }
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed => f.write_str("claimed"),
            Self::Response(body) if body.len() > 2000 => write!(f, "response of {} bytes", body.len()),
            Self::Response(body) => write!(f, "response {body}"),
            Self::Stream {
                content_type,
                body,
                complete,
                error,
            } => {
                write!(
                    f,
                    "stream of {content_type:?}, {} bytes {body:.2000?}",
                    body.len()
                )?;
                write!(f, ", complete: {complete}, error: {error:.2000?}")
            }
            Self::Error { error_type, body } => write!(f, "error {error_type:?} {body:.2000}"),
            Self::Ended => f.write_str("end of the process"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  init:   {}", self.init)?;
        self.answers
            .iter()
            .try_for_each(|answer| writeln!(f, "  answer: {answer}"))?;
        self.log
            .iter()
            .try_for_each(|event| writeln!(f, "  log:    {event:.1000?}"))?;
        write!(f, "  exit:   {}", self.exit.as_deref().unwrap_or("none"))
    }
}
