//! An accepted asynchronous invocation, as it waits in the queue.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use hearth_store::Message;
use hearth_types::{FunctionArn, FunctionName, Qualifier, RequestId, Scope};
use serde::{Deserialize, Serialize};

/// Everything an attempt needs. The request id is the message's identifier, the scope is the message's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) head: Head,
    /// The payload, JSON text.
    pub(crate) payload: Bytes,
}

/// The part of an event that is not the payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The function.
    pub(crate) function: FunctionName,
    /// The version or alias.
    #[serde(default)]
    pub(crate) qualifier: Qualifier,
    /// The ARN as the caller wrote it.
    pub(crate) invoked_arn: String,
    /// The client context, JSON text.
    pub(crate) client_context: Option<String>,
    /// The trace header.
    pub(crate) trace: Option<String>,
    /// When the invocation was accepted, in milliseconds since the Unix epoch.
    pub(crate) accepted_ms: u64,
    /// Attempts that the function has failed so far.
    pub(crate) failures: u32,
}

/// A message that is no event.
#[derive(Debug, thiserror::Error)]
#[error("a queued invocation cannot be read")]
pub(crate) struct NotAnEvent;

impl Event {
    /// The queue's form: the head as one line of JSON, then the payload untouched.
    pub(crate) fn to_message(&self, scope: Scope, id: &str, due: SystemTime) -> Message {
        let head = serde_json::to_vec(&self.head).expect("a head has no key that is not a text");
        let mut body = BytesMut::with_capacity(head.len() + 1 + self.payload.len());
        body.put_slice(&head);
        body.put_u8(b'\n');
        body.put_slice(&self.payload);
        Message {
            scope,
            id: id.to_owned(),
            body: body.freeze(),
            due,
        }
    }

    /// Reads the queue's form; the payload shares the message's memory.
    pub(crate) fn from_body(body: &Bytes) -> Result<Self, NotAnEvent> {
        let end = body.iter().position(|&byte| byte == b'\n').ok_or(NotAnEvent)?;
        let head = serde_json::from_slice(&body[..end]).map_err(|_| NotAnEvent)?;
        Ok(Self {
            head,
            payload: body.slice(end + 1..),
        })
    }

    /// The function, in the message's account and region.
    pub(crate) fn arn(&self, scope: &Scope) -> FunctionArn {
        FunctionArn::new(scope.clone(), self.head.function.clone())
    }

    /// When the invocation was accepted.
    pub(crate) fn accepted_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.head.accepted_ms)
    }
}

/// The request id in a message's identifier.
pub(crate) fn request_id(message: &Message) -> Result<RequestId, NotAnEvent> {
    RequestId::parse(&message.id).ok_or(NotAnEvent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(payload: &'static str) -> Event {
        let head = Head {
            function: FunctionName::parse("f").unwrap(),
            qualifier: Qualifier::Version(3),
            invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".into(),
            client_context: Some("{\n}".into()),
            trace: None,
            accepted_ms: 1_767_225_600_007,
            failures: 1,
        };
        Event {
            head,
            payload: payload.into(),
        }
    }

    #[test]
    fn it_comes_back_as_it_went_in() {
        let scope = Scope::default();
        for payload in ["{}", "\n\n[1]\n", ""] {
            let message = event(payload).to_message(scope.clone(), "id", UNIX_EPOCH);
            assert_eq!(Event::from_body(&message.body).unwrap(), event(payload));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Event::from_body(&bytes.into()).is_err());
        }
    }
}
