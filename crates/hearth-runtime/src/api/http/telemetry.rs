//! The endpoints of the Telemetry API and the Logs API.

use bytes::Bytes;
use hyper::Request;
use hyper::body::Body;

use super::answer::Answer;
use super::body;
use super::extensions::identifier;
use crate::api::telemetry::{Subscription, TelemetryApi};
use crate::api::{ApiError, RuntimeApi};

/// Largest subscription, in bytes.
const LARGEST: usize = 64 * 1024;

impl RuntimeApi {
    /// PUT telemetry and logs.
    pub(super) async fn subscribe<B>(
        &self,
        api: TelemetryApi,
        mut request: Request<B>,
    ) -> Result<Answer, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let Some(subscribers) = self.subscribers() else {
            return Ok(not_supported(api.as_str()));
        };
        let id = identifier(&request)?;
        let name = self.change(|machine| machine.extension_name(id).map(str::to_owned))?;
        if !self.look(|machine| machine.is_registering()) {
            return Err(closed(api));
        }
        let document = body::whole(request.body_mut(), LARGEST)
            .await
            .map_err(|_| ApiError::too_large())?;
        subscribers.subscribe(&name, Subscription::parse(api, &document)?);
        Ok(Answer::json(200, r#""OK""#))
    }
}

fn closed(api: TelemetryApi) -> ApiError {
    let (error_type, message) = match api {
        TelemetryApi::Telemetry => (
            "Telemetry.SubscriptionClosed",
            "Telemetry API subscription is closed",
        ),
        TelemetryApi::Logs => ("Logs.SubscriptionClosed", "Logs API subscription is closed"),
    };
    ApiError::forbidden(error_type, message)
}

/// What AWS's own emulator answers where nothing is sent to subscribers; extensions go on without.
fn not_supported(api: &str) -> Answer {
    let body = format!(r#"{{"errorMessage":"{api} API is not supported","errorType":"{api}.NotSupported"}}"#);
    Answer::json(202, body)
}
