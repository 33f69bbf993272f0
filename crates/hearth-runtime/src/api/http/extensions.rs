//! The Extensions API's endpoints.

use bytes::Bytes;
use hyper::Request;
use hyper::body::Body;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::answer::Answer;
use super::body::{self, header};
use crate::api::{ApiError, RuntimeApi};

const NAME: &str = "lambda-extension-name";
const IDENTIFIER: &str = "lambda-extension-identifier";
const EVENT_IDENTIFIER: &str = "lambda-extension-event-identifier";
const FEATURES: &str = "lambda-extension-accept-feature";
const ERROR_TYPE: &str = "lambda-extension-function-error-type";
/// Largest registration, in bytes.
const LARGEST_REGISTRATION: usize = 64 * 1024;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Registration {
    events: Option<Vec<String>>,
    #[serde(rename = "configurationKeys")]
    configuration_keys: Option<Vec<String>>,
}

impl RuntimeApi {
    /// POST extension/register.
    pub(super) async fn register<B>(&self, mut request: Request<B>) -> Result<Answer, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let name = header(&request, NAME).unwrap_or_default().to_owned();
        let features = header(&request, FEATURES).unwrap_or_default();
        let account = features.split(',').any(|feature| feature.trim() == "accountId");
        let document = body::whole(request.body_mut(), LARGEST_REGISTRATION)
            .await
            .map_err(|_| malformed("the request is too large or was cut short"))?;
        let registration: Registration =
            serde_json::from_slice(&document).map_err(|error| malformed(error.to_string()))?;
        if registration
            .configuration_keys
            .is_some_and(|keys| !keys.is_empty())
        {
            return Err(malformed(
                "configurationKeys are deprecated; use environment variables instead",
            ));
        }
        let events = registration.events.unwrap_or_default();
        self.until(|machine| machine.knows_kind_of(&name).then_some(()))
            .await;
        let id = self.change(|machine| machine.register(&name, &events))?;
        let mut answer = self.look(|machine| {
            let description = machine.description();
            json!({
                "functionName": description.function,
                "functionVersion": description.version,
                "handler": description.handler,
            })
        });
        if account {
            answer["accountId"] = json!(self.look(|machine| machine.description().account.clone()));
        }
        Ok(Answer::json(200, answer.to_string()).with([(IDENTIFIER, id.to_string())]))
    }

    /// GET extension/event/next.
    pub(super) async fn extension_next<B>(&self, request: &Request<B>) -> Result<Answer, ApiError> {
        let id = identifier(request)?;
        self.change(|machine| machine.extension_next(id))?;
        let event = self.until(|machine| machine.take_event(id)).await;
        let identifier = Uuid::new_v4().to_string();
        Ok(Answer::json(200, event.to_string()).with([(EVENT_IDENTIFIER, identifier)]))
    }

    /// POST extension/init/error and extension/exit/error.
    pub(super) fn extension_error<B>(&self, request: &Request<B>, init: bool) -> Result<Answer, ApiError> {
        let id = identifier(request)?;
        let kind = header(request, ERROR_TYPE).filter(|kind| !kind.is_empty());
        let kind = kind.ok_or_else(|| {
            ApiError::forbidden(
                "Extension.MissingHeader",
                "Lambda-Extension-Function-Error-Type not found",
            )
        })?;
        self.change(|machine| match init {
            true => machine.extension_init_error(id, kind),
            false => machine.extension_exit_error(id, kind),
        })?;
        Ok(Answer::accepted())
    }
}

fn malformed(why: impl Into<String>) -> ApiError {
    ApiError::forbidden("InvalidRequestFormat", why)
}

/// Which extension a request comes from.
pub(super) fn identifier<B>(request: &Request<B>) -> Result<Uuid, ApiError> {
    match header(request, IDENTIFIER) {
        None | Some("") => Err(ApiError::forbidden(
            "Extension.MissingExtensionIdentifier",
            "Missing Lambda-Extension-Identifier header",
        )),
        Some(text) => Uuid::parse_str(text).map_err(|_| {
            ApiError::forbidden(
                "Extension.InvalidExtensionIdentifier",
                "Invalid Lambda-Extension-Identifier",
            )
        }),
    }
}
