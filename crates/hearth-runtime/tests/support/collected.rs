//! A response while it comes.

use bytes::Bytes;
use hearth_runtime::frames::{CreditWindow, IncomingBody, RuntimeError};
use hearth_types::limits::{RUNTIME_PAYLOAD, STREAMED_RESPONSE};

use super::Answer;

/// What came of a response so far.
pub(crate) struct Collected {
    body: IncomingBody,
    window: CreditWindow,
    /// The content type, if the response is streamed.
    streamed: Option<String>,
    ended: bool,
}

impl Default for Collected {
    fn default() -> Self {
        Self {
            body: IncomingBody::new(RUNTIME_PAYLOAD),
            window: CreditWindow::new(),
            streamed: None,
            ended: false,
        }
    }
}

impl Collected {
    /// The response is streamed.
    pub(crate) fn announce(&mut self, content_type: String) {
        assert!(
            self.streamed.is_none() && self.body.is_empty(),
            "a stream was announced too late"
        );
        self.streamed = Some(content_type);
        self.body = IncomingBody::new(STREAMED_RESPONSE as usize);
    }

    /// Takes a chunk; how much to grant.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Option<u32> {
        assert!(!self.ended, "a chunk after the end");
        self.window.spend(chunk.len()).unwrap();
        self.body.push(chunk).unwrap();
        self.window.reopen()
    }

    /// The response is complete: the answer, if the invocation is over with it.
    pub(crate) fn end(&mut self) -> Option<Answer> {
        assert!(!std::mem::replace(&mut self.ended, true), "it ended twice");
        match self.streamed {
            Some(_) => None,
            None => Some(Answer::response(&std::mem::take(&mut self.body).finish())),
        }
    }

    /// The invocation of a streamed response is over.
    pub(crate) fn done(self) -> Answer {
        assert!(self.ended, "it is done without an end");
        self.stream(None)
    }

    /// The invocation failed.
    pub(crate) fn fail(self, error: RuntimeError) -> Answer {
        if self.streamed.is_none() {
            return error.into();
        }
        self.stream(Some(error))
    }

    fn stream(self, error: Option<RuntimeError>) -> Answer {
        Answer::Stream {
            content_type: self.streamed.expect("only a stream ends like this"),
            body: String::from_utf8_lossy(&self.body.finish()).into_owned(),
            complete: self.ended,
            error: error.map(|error| {
                (
                    error.error_type,
                    String::from_utf8_lossy(&error.body).into_owned(),
                )
            }),
        }
    }
}
