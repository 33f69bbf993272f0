//! What pages of other origins may do with a URL, where its configuration says so.

use hearth_wire::Body;
use hearth_wire::lambda::Cors;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

const ANY: &str = "*";

/// The answer to a browser that asks what it may do, which no function gets to see.
pub(crate) fn preflight(cors: Option<&Cors>, head: &Parts) -> Option<Response<Body>> {
    let cors = cors.filter(|cors| is_set(cors))?;
    let asks = head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    asks.then(|| {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        if allow(cors, &head.headers, headers) {
            list(
                headers,
                ACCESS_CONTROL_ALLOW_METHODS,
                cors.allow_methods.as_deref(),
            );
            list(
                headers,
                ACCESS_CONTROL_ALLOW_HEADERS,
                cors.allow_headers.as_deref(),
            );
            let age = cors.max_age.map(HeaderValue::from);
            headers.extend(age.map(|age| (ACCESS_CONTROL_MAX_AGE, age)));
        }
        response
    })
}

/// Replaces what the function said of other origins by what the configuration says.
pub(crate) fn apply(cors: Option<&Cors>, request: &HeaderMap, response: &mut HeaderMap) {
    let Some(cors) = cors.filter(|cors| is_set(cors)) else {
        return;
    };
    let own: Vec<HeaderName> = response
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in &own {
        response.remove(name);
    }
    if allow(cors, request, response) {
        list(
            response,
            ACCESS_CONTROL_EXPOSE_HEADERS,
            cors.expose_headers.as_deref(),
        );
    }
}

/// An empty configuration is none.
fn is_set(cors: &Cors) -> bool {
    *cors != Cors::default()
}

/// Whether the request comes from an origin that is allowed; says so in the response's headers.
fn allow(cors: &Cors, request: &HeaderMap, response: &mut HeaderMap) -> bool {
    let origins = cors.allow_origins.as_deref().unwrap_or_default();
    let Some(origin) = request.get(ORIGIN) else {
        return false;
    };
    let named = |allowed: &String| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    let allowed = if origins.iter().any(|allowed| allowed == ANY) {
        HeaderValue::from_static(ANY)
    } else {
        // What one origin gets must not be shown to another one by a cache.
        response.append(VARY, HeaderValue::from_static("Origin"));
        match origins.iter().any(named) {
            true => origin.clone(),
            false => return false,
        }
    };
    response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if cors.allow_credentials == Some(true) {
        response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: Option<&[String]>) {
    let values = values
        .filter(|values| !values.is_empty())
        .map(|values| values.join(","));
    if let Some(value) = values.and_then(|values| HeaderValue::try_from(values).ok()) {
        headers.insert(name, value);
    }
}
