//! The calls of the Lambda API that the commands make.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_wire::lambda::{
    CreateFunctionRequest, FunctionCode, FunctionConfiguration, GetFunctionResponse, LayersListItem,
    ListLayersResponse, PublishLayerVersionResponse, UpdateFunctionConfigurationRequest,
};
use http::{HeaderName, HeaderValue, Method};
use serde::Serialize;

use super::{Answer, Call, Client, ClientError};

pub(super) const FUNCTIONS: &str = "/2015-03-31/functions";
const LAYERS: &str = "/2018-10-31/layers";

/// How to invoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Wait for the response; `tail` asks for the end of the log as well.
    Response { tail: bool },
    /// Hand the event over and go.
    Event,
}

/// What an invocation came to.
pub(crate) struct Invoked {
    pub(crate) payload: Bytes,
    /// `Unhandled` or `Handled`, if the function failed.
    pub(crate) error: Option<String>,
    /// The end of the log.
    pub(crate) tail: Option<Vec<u8>>,
    pub(crate) request_id: String,
}

impl Client {
    pub(crate) async fn configuration(&self, function: &str) -> Result<FunctionConfiguration, ClientError> {
        self.configuration_json(function).await.and_then(decode)
    }

    /// The configuration as the server wrote it.
    pub(crate) async fn configuration_json(&self, function: &str) -> Result<serde_json::Value, ClientError> {
        self.lambda(
            Method::GET,
            format!("{}/configuration", path(function)),
            Bytes::new(),
        )
        .await?
        .json()
    }

    pub(crate) async fn create_function(
        &self,
        request: &CreateFunctionRequest,
    ) -> Result<FunctionConfiguration, ClientError> {
        self.lambda(Method::POST, FUNCTIONS.to_owned(), json(request)?)
            .await?
            .json()
    }

    pub(crate) async fn update_code(
        &self,
        function: &str,
        code: &FunctionCode,
    ) -> Result<FunctionConfiguration, ClientError> {
        self.lambda(Method::PUT, format!("{}/code", path(function)), json(code)?)
            .await?
            .json()
    }

    pub(crate) async fn update_configuration(
        &self,
        request: &UpdateFunctionConfigurationRequest,
    ) -> Result<FunctionConfiguration, ClientError> {
        let target = format!("{}/configuration", path(&request.function_name));
        self.lambda(Method::PUT, target, json(request)?).await?.json()
    }

    /// The tags of a function.
    pub(crate) async fn tags(&self, function: &str) -> Result<BTreeMap<String, String>, ClientError> {
        let answer = self.lambda(Method::GET, path(function), Bytes::new()).await?;
        let function: GetFunctionResponse = answer.json()?;
        Ok(function.tags.unwrap_or_default())
    }

    /// Adds tags to the function of this ARN.
    pub(crate) async fn tag(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), ClientError> {
        let target = format!("/2017-03-31/tags/{}", encode(arn));
        let body = serde_json::json!({ "Tags": tags });
        self.lambda(Method::POST, target, json(&body)?).await.map(drop)
    }

    pub(crate) async fn delete_function(&self, function: &str) -> Result<(), ClientError> {
        self.lambda(Method::DELETE, path(function), Bytes::new())
            .await
            .map(drop)
    }

    /// Publishes a layer's next version.
    pub(crate) async fn publish_layer(
        &self,
        name: &str,
        zip: &[u8],
        description: Option<&str>,
        runtimes: &[String],
    ) -> Result<PublishLayerVersionResponse, ClientError> {
        let body = serde_json::json!({
            "Content": {"ZipFile": STANDARD.encode(zip)},
            "Description": description,
            "CompatibleRuntimes": runtimes,
        });
        let target = format!("{LAYERS}/{}/versions", encode(name));
        self.lambda(Method::POST, target, json(&body)?).await?.json()
    }

    /// Every layer of the account and region.
    pub(crate) async fn layers(&self) -> Result<Vec<LayersListItem>, ClientError> {
        self.pages(LAYERS, |page: ListLayersResponse| {
            (page.layers.unwrap_or_default(), page.next_marker)
        })
        .await
    }

    pub(crate) async fn invoke(
        &self,
        function: &str,
        qualifier: Option<&str>,
        payload: Bytes,
        mode: Mode,
    ) -> Result<Invoked, ClientError> {
        let target = qualified(&format!("{}/invocations", path(function)), qualifier);
        let mut headers = vec![header(
            "x-amz-invocation-type",
            match mode {
                Mode::Response { .. } => "RequestResponse",
                Mode::Event => "Event",
            },
        )];
        if mode == (Mode::Response { tail: true }) {
            headers.push(header("x-amz-log-type", "Tail"));
        }
        let call = Call {
            service: "lambda",
            method: Method::POST,
            target,
            headers,
            body: payload,
        };
        let answer = self.call(call).await?;
        Ok(Invoked {
            error: answer.header("x-amz-function-error").map(str::to_owned),
            tail: answer
                .header("x-amz-log-result")
                .and_then(|tail| STANDARD.decode(tail).ok()),
            request_id: answer.header("x-amzn-requestid").unwrap_or_default().to_owned(),
            payload: answer.body,
        })
    }

    /// All items of a list that comes in pages.
    pub(super) async fn pages<P: serde::de::DeserializeOwned, T>(
        &self,
        first: &str,
        open: impl Fn(P) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>, ClientError> {
        let separator = if first.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        let mut target = first.to_owned();
        loop {
            let page = self.lambda(Method::GET, target, Bytes::new()).await?.json()?;
            let (items, marker) = open(page);
            all.extend(items);
            match marker {
                Some(marker) => target = format!("{first}{separator}Marker={}", encode(&marker)),
                None => return Ok(all),
            }
        }
    }

    pub(super) async fn lambda(
        &self,
        method: Method,
        target: String,
        body: Bytes,
    ) -> Result<Answer, ClientError> {
        let headers = vec![header("content-type", "application/json")];
        self.call(Call {
            service: "lambda",
            method,
            target,
            headers,
            body,
        })
        .await
    }
}

pub(super) fn header(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

pub(super) fn path(function: &str) -> String {
    format!("{FUNCTIONS}/{}", encode(function))
}

/// A target for a version or an alias, if one is named.
pub(super) fn qualified(target: &str, qualifier: Option<&str>) -> String {
    match qualifier {
        Some(qualifier) => format!("{target}?Qualifier={}", encode(qualifier)),
        None => target.to_owned(),
    }
}

pub(super) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub(super) fn json(request: &impl Serialize) -> Result<Bytes, ClientError> {
    serde_json::to_vec(request)
        .map(Bytes::from)
        .map_err(ClientError::request)
}

fn decode<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> Result<T, ClientError> {
    serde_json::from_value(json).map_err(|error| ClientError::Unexpected(error.to_string()))
}
