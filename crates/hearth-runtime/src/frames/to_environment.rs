//! What the server says to an environment.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use super::frame::{Frame, Kind};

/// Gives a booted environment its function. Sent once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim<'a> {
    /// The function's handler, such as `index.handler`.
    pub handler: &'a str,
    /// Every variable of the environment, from [`crate::environment::variables`]; `None` if it was started with them.
    pub environment: Option<&'a BTreeMap<String, String>>,
    /// Where the code is: `/var/task`.
    pub task_root: &'a str,
    /// Where its layers are: `/opt`.
    pub layers_root: &'a str,
}

/// Begins an invocation; its event follows as a body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoke<'a> {
    /// The invocation's id, in logs and in the function's context.
    pub request_id: &'a str,
    /// When the invocation is given up, in milliseconds since the Unix epoch.
    pub deadline_ms: i64,
    /// The ARN as the caller named the function.
    pub invoked_function_arn: &'a str,
    /// Value of `_X_AMZN_TRACE_ID` during the invocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<&'a str>,
    /// The caller's client context: JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_context: Option<&'a str>,
    /// The caller's Cognito identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cognito_identity: Option<CognitoIdentity<'a>>,
}

/// Who called, where a Cognito identity did.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CognitoIdentity<'a> {
    /// The identity.
    pub cognito_identity_id: &'a str,
    /// The pool it belongs to.
    pub cognito_identity_pool_id: &'a str,
}

impl Frame {
    /// Claims the environment. Variables are bounded by the API to a fraction of a frame.
    pub fn claim(claim: &Claim<'_>) -> Self {
        Self {
            kind: Kind::Claim,
            request: 0,
            payload: json(claim),
        }
    }

    /// Begins invocation `request`, a number not used before in this environment and not 0.
    pub fn invoke(request: u64, invoke: &Invoke<'_>) -> Self {
        Self {
            kind: Kind::Invoke,
            request,
            payload: json(invoke),
        }
    }

    /// What an earlier bootstrap of the interpreter has prepared, or nothing. Has to come first.
    pub fn prepared(prepared: Bytes) -> Self {
        Self {
            kind: Kind::Prepared,
            request: 0,
            payload: prepared,
        }
    }

    /// Asks the environment to echo the payload.
    pub fn ping(payload: Bytes) -> Self {
        Self {
            kind: Kind::Ping,
            request: 0,
            payload,
        }
    }

    /// Lets the peer send `bytes` more of its body.
    pub fn credit(request: u64, bytes: u32) -> Self {
        Self {
            kind: Kind::Credit,
            request,
            payload: Bytes::copy_from_slice(&bytes.to_be_bytes()),
        }
    }
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value)
        .expect("strings and numbers have a JSON form")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire_are_the_bootstraps() {
        let variables = BTreeMap::from([("A".to_owned(), "ü".to_owned())]);
        let claim = Frame::claim(&Claim {
            handler: "a.b",
            environment: Some(&variables),
            task_root: "/var/task",
            layers_root: "/opt",
        });
        assert_eq!(
            claim.payload,
            r#"{"handler":"a.b","environment":{"A":"ü"},"taskRoot":"/var/task","layersRoot":"/opt"}"#
                .as_bytes()
        );
        let invoke = Invoke {
            request_id: "r",
            deadline_ms: 5,
            invoked_function_arn: "arn",
            trace_id: None,
            client_context: Some("{}"),
            cognito_identity: None,
        };
        let frame = Frame::invoke(9, &invoke);
        assert_eq!((frame.kind, frame.request), (Kind::Invoke, 9));
        assert_eq!(
            frame.payload,
            &br#"{"requestId":"r","deadlineMs":5,"invokedFunctionArn":"arn","clientContext":"{}"}"#[..]
        );
    }
}
