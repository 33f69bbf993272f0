//! A URL with a stand-in for its function.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_engine::{FunctionError, Invocation, Outcome, ResponseHead, ResponseStream};
use hearth_gateway::{BoxFuture, FunctionUrls, Functions};
use hearth_lambda::FunctionUrl;
use hearth_types::{AccountId, FunctionName, Region, RequestId, Scope};
use hearth_wire::lambda::{Cors, FunctionUrlAuthType, InvokeMode};
use hearth_wire::{
    Authenticated, Authenticator, AwsError, Body, Caller, CallerKind, CommonError, SignedRequest, Site as _,
    Visit, lambda,
};
use http::{Request, Response};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The id of the URL.
pub(crate) const ID: &str = "abcdefghijklmnopqrstuvwxyz012345";

/// The URL's configuration, as in the API.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    auth_type: Option<FunctionUrlAuthType>,
    #[serde(default)]
    cors: Option<Cors>,
    #[serde(default)]
    invoke_mode: Option<InvokeMode>,
}

/// What the function does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Function {
    /// What it returns, as it stands in the case.
    #[serde(default)]
    pub(crate) returns: Option<Box<RawValue>>,
    /// The same as a text, where it is no JSON.
    #[serde(default)]
    pub(crate) returns_text: Option<String>,
    /// The pieces of a streamed response.
    #[serde(default)]
    pub(crate) streams: Option<Vec<String>>,
    /// The content type of a streamed response.
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    /// Whether it fails, in the end.
    #[serde(default)]
    pub(crate) fails: bool,
    /// Whether there is no place for the invocation.
    #[serde(default)]
    pub(crate) throttled: bool,
    /// Whether the policy lets nobody in.
    #[serde(default)]
    pub(crate) closed: bool,
}

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sent {
    /// Method and target.
    pub(crate) line: String,
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) base64: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    url: Arc<FunctionUrl>,
    function: Arc<Function>,
    event: Arc<Mutex<Option<Invocation>>>,
}

impl Fake {
    pub(crate) fn new(config: Config, function: Function) -> Self {
        let scope = Scope::default();
        let url = FunctionUrl {
            id: ID.to_owned(),
            scope,
            name: FunctionName::parse("f").unwrap(),
            alias: None,
            auth_type: config.auth_type.unwrap_or(FunctionUrlAuthType::None),
            cors: config.cors,
            invoke_mode: config.invoke_mode.unwrap_or(InvokeMode::Buffered),
            created: String::new(),
            modified: String::new(),
        };
        Self {
            url: Arc::new(url),
            function: Arc::new(function),
            event: Arc::default(),
        }
    }

    /// The event of the last invocation.
    pub(crate) fn event(&self) -> Option<Value> {
        let invocation = self.event.lock().unwrap();
        invocation
            .as_ref()
            .map(|invocation| serde_json::from_slice(&invocation.payload).unwrap())
    }

    /// Sends a request; none if the URL does not claim it.
    pub(crate) async fn send(&self, sent: &Sent) -> Option<Response<Body>> {
        let (method, target) = sent.line.split_once(' ').expect("a line is METHOD /path");
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in &sent.headers {
            request = request.header(name, value);
        }
        let body = match (&sent.body, &sent.base64) {
            (Some(body), _) => Bytes::from(body.clone()),
            (None, Some(body)) => STANDARD.decode(body).unwrap().into(),
            (None, None) => Bytes::new(),
        };
        let urls = FunctionUrls::new(self.clone());
        let visit = Visit {
            authenticator: &Believing,
            request_id: RequestId::parse("01234567-89ab-4cde-8f01-23456789abcd").unwrap(),
            received_at: UNIX_EPOCH + Duration::from_millis(1_767_225_600_007),
            peer: Some("192.0.2.1:50000".parse().unwrap()),
            head: request.body(()).unwrap().into_parts().0,
        };
        if !urls.claims(&visit.head) {
            return None;
        }
        if let Some(response) = urls.receive(&visit) {
            return Some(response);
        }
        assert!(body.len() as u64 <= urls.body_limit());
        Some(urls.answer(visit, Ok(body)).await)
    }

    fn outcome(&self) -> Outcome {
        let payload = match (&self.function.returns_text, &self.function.returns) {
            (Some(text), _) => text.clone(),
            (None, Some(json)) => json.get().to_owned(),
            (None, None) => "null".to_owned(),
        };
        let error = self.function.fails.then(|| FunctionError {
            kind: "Unhandled",
            error_type: "Error".into(),
        });
        Outcome {
            payload: payload.into(),
            error,
            log_tail: None,
            duration: Duration::from_millis(1),
            init_duration: None,
            max_memory_mb: 32,
        }
    }

    fn take(&self, invocation: Invocation) -> Result<(), AwsError> {
        if self.function.throttled {
            let error = AwsError::modeled(&lambda::MODEL, "TooManyRequestsException", "Rate Exceeded.");
            return Err(error.with_member("Reason", "ReservedFunctionConcurrentInvocationLimitExceeded"));
        }
        *self.event.lock().unwrap() = Some(invocation);
        Ok(())
    }
}

impl Functions for Fake {
    fn find(&self, id: &str) -> Option<Arc<FunctionUrl>> {
        (id == self.url.id).then(|| Arc::clone(&self.url))
    }

    fn admits(&self, _: &FunctionUrl, _: Option<&Caller>) -> bool {
        !self.function.closed
    }

    fn invoke(
        &self,
        _: Arc<FunctionUrl>,
        invocation: Invocation,
    ) -> BoxFuture<'_, Result<Outcome, AwsError>> {
        Box::pin(async {
            self.take(invocation)?;
            Ok(self.outcome())
        })
    }

    fn invoke_streaming(
        &self,
        _: Arc<FunctionUrl>,
        invocation: Invocation,
    ) -> BoxFuture<'_, Result<ResponseStream, AwsError>> {
        Box::pin(async {
            self.take(invocation)?;
            let head = ResponseHead {
                content_type: self.function.content_type.clone(),
            };
            let outcome = self.outcome();
            let chunks = match &self.function.streams {
                Some(chunks) => chunks.iter().cloned().map(Bytes::from).collect(),
                None if outcome.error.is_some() => Vec::new(),
                None => vec![outcome.payload.clone()],
            };
            Ok(ResponseStream::complete(head, chunks, outcome))
        })
    }
}

/// Takes the signer of `Credential=<account>/…` for that account's root, and refuses `Credential=nobody/…`.
struct Believing;

impl Authenticator for Believing {
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        assert_eq!(
            (request.service, request.operation),
            ("lambda", "InvokeFunctionUrl")
        );
        let header = request
            .headers
            .get("authorization")
            .map(|value| value.to_str().unwrap());
        let header = header.unwrap_or_default();
        let (_, credential) = header.split_once("Credential=").unwrap_or_default();
        let mut parts = credential.split('/');
        let (account, region) = (parts.next(), parts.nth(1));
        let account = AccountId::parse(account.unwrap_or_default()).map_err(|_| {
            let message = "The security token included in the request is invalid.";
            AwsError::common(CommonError::UnrecognizedClient, message)
        })?;
        let caller = Caller {
            account,
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_string(),
            access_key: Some(account.to_string()),
            kind: CallerKind::Root,
        };
        Ok(Authenticated {
            scope: Scope {
                account,
                region: Region::parse(region.unwrap()).unwrap(),
            },
            caller: Arc::new(caller),
            body: None,
        })
    }
}
