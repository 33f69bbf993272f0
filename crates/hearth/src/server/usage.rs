//! `GET /_hearth/usage`: what the functions of an account used.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hearth_metering::{Metering, Prices, USAGE_PATH, UsageBy};
use hearth_wire::{AwsError, Body, BodyFailure, CommonError, Reception, SignedRequest, Site, Visit, lambda};
use http::request::Parts;
use http::{HeaderValue, Method, Response, header};
use serde_json::json;

/// Answers who is signed for the account; functions may not ask.
pub(super) struct UsagePage {
    pub(super) metering: Metering,
    pub(super) prices: Prices,
}

impl Site for UsagePage {
    fn claims(&self, head: &Parts) -> bool {
        head.method == Method::GET && head.uri.path() == USAGE_PATH
    }

    fn receive(&self, _: &Visit<'_>) -> Option<Response<Body>> {
        None
    }

    fn body_limit(&self) -> u64 {
        0
    }

    fn answer<'a>(&'a self, visit: Visit<'a>, body: Result<Bytes, BodyFailure>) -> Reception<'a> {
        Box::pin(async move {
            let answered = match body {
                Ok(body) => self.read(&visit, &body).await,
                Err(_) => Err(refusal("The request has no body.")),
            };
            answered.unwrap_or_else(|error| error.into_rest_json(&lambda::MODEL))
        })
    }
}

impl UsagePage {
    async fn read(&self, visit: &Visit<'_>, body: &Bytes) -> Result<Response<Body>, AwsError> {
        let signed = visit.authenticator.authenticate(&SignedRequest {
            method: &visit.head.method,
            uri: &visit.head.uri,
            headers: &visit.head.headers,
            body,
            now: visit.received_at,
            service: "lambda",
            operation: "GetUsage",
        })?;
        let (since, by) = asked(visit.head.uri.query().unwrap_or_default()).ok_or_else(|| {
            refusal("Ask with since=<seconds since 1970> and by=function, version or hour.")
        })?;
        let (metering, prices) = (self.metering.clone(), self.prices);
        let reading = tokio::task::spawn_blocking(move || metering.usage(&signed.scope, since, by, prices));
        let internal = |error: String| AwsError::common(CommonError::Internal, error);
        let usage = reading.await.map_err(|error| internal(error.to_string()))?;
        let usage = usage.map_err(|error| internal(error.to_string()))?;
        let prices = json!({ "gbSecond": prices.gb_second, "request": prices.request });
        let text = json!({ "prices": prices, "usage": usage }).to_string();
        let mut response = Response::new(Body::from(text));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    }
}

/// What a query asks for.
fn asked(query: &str) -> Option<(SystemTime, UsageBy)> {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let since: u32 = value("since")?.parse().ok()?;
    let by = UsageBy::parse(value("by")?)?;
    Some((UNIX_EPOCH + Duration::from_secs(since.into()), by))
}

fn refusal(why: &str) -> AwsError {
    AwsError::common(CommonError::Validation, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_since_when_and_by_what() {
        let at = UNIX_EPOCH + Duration::from_secs(3600);
        assert_eq!(asked("since=3600&by=hour"), Some((at, UsageBy::Hour)));
        assert_eq!(asked("by=version&since=3600&x"), Some((at, UsageBy::Version)));
        for bad in [
            "",
            "since=3600",
            "by=hour",
            "since=-1&by=hour",
            "since=1&by=day",
            "since=99999999999&by=hour",
        ] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }
}
