//! Answers.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{HeaderName, HeaderValue};

use crate::api::ApiError;

/// A complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

const JSON: &str = "application/json";

impl Answer {
    pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type", JSON.to_owned())],
            body: body.into(),
        }
    }

    pub(super) fn text(text: &'static str) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "text/plain; charset=utf-8".to_owned())],
            body: text.into(),
        }
    }

    pub(super) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// What was posted is taken.
    pub(super) fn accepted() -> Self {
        Self::json(202, r#"{"status":"OK"}"#)
    }

    pub(super) fn with(mut self, headers: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.headers.extend(headers);
        self
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self::json(error.status, error.body())
    }
}

impl From<Answer> for Response<Full<Bytes>> {
    fn from(answer: Answer) -> Self {
        let mut response = Self::new(Full::new(answer.body));
        *response.status_mut() = answer.status.try_into().expect("a status of this module's own");
        for (name, value) in answer.headers {
            // A client context may hold any text; what no header can hold is left out of it.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
