//! `GET /metrics`: what Prometheus reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_engine::Engine;
use hearth_metering::Metering;
use hearth_metering::prometheus::{CONTENT_TYPE, Exposition, Kind};
use hearth_types::CodeHash;
use hearth_wire::{Body, BodyFailure, Reception, Site, Visit};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};

use crate::settings::MetricsAccess;

const PATH: &str = "/metrics";

/// Answers whom the setting lets in. Functions are never let in: names and numbers of others are not theirs.
pub(super) struct MetricsPage {
    pub(super) metering: Metering,
    pub(super) engine: Engine,
    pub(super) access: MetricsAccess,
}

impl Site for MetricsPage {
    fn claims(&self, head: &Parts) -> bool {
        head.method == Method::GET && head.uri.path() == PATH
    }

    fn receive(&self, visit: &Visit<'_>) -> Option<Response<Body>> {
        // Who calls from inside of an environment has no address.
        if visit.peer.is_none() || self.access == MetricsAccess::Off {
            return Some(answer(StatusCode::NOT_FOUND, "there is nothing here\n"));
        }
        if admits(&self.access, &visit.head) {
            return None;
        }
        let mut response = answer(
            StatusCode::UNAUTHORIZED,
            "send the token of the setting `metrics`\n",
        );
        let schemes = HeaderValue::from_static("Bearer, Basic realm=\"metrics\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, schemes);
        Some(response)
    }

    fn body_limit(&self) -> u64 {
        0
    }

    fn answer<'a>(&'a self, _: Visit<'a>, body: Result<Bytes, BodyFailure>) -> Reception<'a> {
        let response = match body {
            Ok(_) => self.expose(),
            Err(_) => answer(StatusCode::BAD_REQUEST, "the request has no body\n"),
        };
        Box::pin(std::future::ready(response))
    }
}

impl MetricsPage {
    fn expose(&self) -> Response<Body> {
        let mut out = Exposition::default();
        let statistics = self.engine.statistics();
        let name = "aws_lambda_concurrent_executions";
        out.family(name, Kind::Gauge, "Invocations that run now.");
        out.sample(name, &[], f64::from(statistics.running));
        let name = "hearth_environments";
        out.family(
            name,
            Kind::Gauge,
            "Environments that run no invocation, by what they wait for.",
        );
        for (state, count) in [("idle", statistics.idle), ("ready", statistics.ready)] {
            out.sample(name, &[("state", state)], count as f64);
        }
        let scaling = self.engine.scaling();
        let gauges = [
            (
                "hearth_waiting_invocations",
                "Invocations that wait for an environment.",
                scaling.waiting,
            ),
            (
                "hearth_starting_environments",
                "Environments that start.",
                scaling.starting,
            ),
            (
                "hearth_frozen_environments",
                "Idle environments that are frozen.",
                scaling.frozen,
            ),
        ];
        for (name, help, value) in gauges {
            out.family(name, Kind::Gauge, help);
            out.sample(name, &[], value as f64);
        }
        let counters = [
            (
                "hearth_waits_total",
                "Invocations that had to wait for an environment.",
                scaling.waits,
            ),
            (
                "hearth_starts_total",
                "Environments that were started.",
                scaling.starts,
            ),
            (
                "hearth_failed_starts_total",
                "Starts that failed, inits included.",
                scaling.failed_starts,
            ),
            (
                "hearth_expired_total",
                "Environments that were idle for too long.",
                scaling.expired,
            ),
            (
                "hearth_evicted_total",
                "Environments that had to make room.",
                scaling.evicted,
            ),
        ];
        for (name, help, value) in counters {
            out.family(name, Kind::Counter, help);
            out.sample(name, &[], value as f64);
        }
        self.metering.expose(&mut out);
        let mut response = answer(StatusCode::OK, out.into_text());
        let kind = HeaderValue::from_static(CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// Whether the head of a request shows the token, as a bearer's or as the password of whatever user.
fn admits(access: &MetricsAccess, head: &Parts) -> bool {
    let MetricsAccess::Token(token) = access else {
        return *access == MetricsAccess::Open;
    };
    let sent = head
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let shown = sent.and_then(|sent| match sent.split_once(' ')? {
        (scheme, bearer) if scheme.eq_ignore_ascii_case("bearer") => Some(bearer.trim().as_bytes().to_vec()),
        (scheme, basic) if scheme.eq_ignore_ascii_case("basic") => {
            let pair = STANDARD.decode(basic.trim()).ok()?;
            let colon = pair.iter().position(|byte| *byte == b':')?;
            Some(pair[colon + 1..].to_vec())
        }
        _ => None,
    });
    // Compared by digests, so that time does not tell how much of it was right.
    shown.is_some_and(|shown| CodeHash::of(&shown) == CodeHash::of(token.as_bytes()))
}

fn answer(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn shows(authorization: Option<&str>) -> bool {
        let mut request = Request::get(PATH);
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let access = MetricsAccess::Token("0123456789abcdef".to_owned());
        admits(&access, &request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_token_is_a_bearers_or_a_password() {
        for right in [
            "Bearer 0123456789abcdef".to_owned(),
            "bearer  0123456789abcdef".to_owned(),
            format!("Basic {}", STANDARD.encode("prometheus:0123456789abcdef")),
            format!("Basic {}", STANDARD.encode(":0123456789abcdef")),
        ] {
            assert!(shows(Some(&right)), "{right}");
        }
        for wrong in [
            "0123456789abcdef".to_owned(),
            "Bearer 0123456789abcde".to_owned(),
            "Bearer ".to_owned(),
            "Digest 0123456789abcdef".to_owned(),
            "Basic !".to_owned(),
            format!("Basic {}", STANDARD.encode("0123456789abcdef")),
            format!("Basic {}", STANDARD.encode("0123456789abcdef:")),
        ] {
            assert!(!shows(Some(&wrong)), "{wrong}");
        }
        assert!(!shows(None));
    }
}
