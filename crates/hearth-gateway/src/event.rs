//! From a request to a function's event: payload format 2.0.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_types::time;
use hearth_wire::{Caller, Visit};
use http::header::{CONTENT_TYPE, COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::address::{Address, host, host_name};
use crate::hop_by_hop::is_hop_by_hop;

/// Route and stage of a URL, which has only the one.
const DEFAULT: &str = "$default";
/// `accountId` of visitors who do not say who they are.
const ANONYMOUS: &str = "anonymous";
/// What signed requests are signed with.
const FOR_THE_PLATFORM: [&str; 2] = ["authorization", "x-amz-security-token"];
/// The port of a host that names none.
const HTTP_PORT: &str = "80";

/// A request that a function is to see.
pub(crate) struct Request<'a> {
    pub(crate) visit: &'a Visit<'a>,
    pub(crate) address: &'a Address<'a>,
    pub(crate) body: &'a Bytes,
    /// The trace that the invocation belongs to.
    pub(crate) trace: &'a str,
    /// Who signed it, if that was asked for.
    pub(crate) caller: Option<&'a Caller>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'static str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<&'a str, Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    account_id: &'a str,
    api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer<'a>>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: String,
    route_key: &'static str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: &'a str,
    user_agent: Cow<'a, str>,
}

#[derive(Serialize)]
struct Authorizer<'a> {
    iam: Iam<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Iam<'a> {
    access_key: Option<&'a str>,
    account_id: &'a str,
    caller_id: &'a str,
    cognito_identity: Option<()>,
    principal_org_id: Option<()>,
    user_arn: &'a str,
    user_id: &'a str,
}

/// The event, as JSON text.
pub(crate) fn event(request: &Request<'_>) -> Bytes {
    let Request {
        visit,
        address,
        body,
        caller,
        ..
    } = *request;
    let head = &visit.head;
    let source_ip = visit
        .peer
        .map(|peer| peer.ip().to_canonical().to_string())
        .unwrap_or_default();
    let raw_query_string = head.uri.query().unwrap_or_default();
    let body = (!body.is_empty()).then(|| text_or_base64(head.headers.get(CONTENT_TYPE), body));
    let is_base64_encoded = matches!(body, Some((_, true)));
    let event = Event {
        version: "2.0",
        route_key: DEFAULT,
        raw_path: address.path,
        raw_query_string,
        cookies: cookies(&head.headers),
        headers: headers(request, &source_ip),
        query_string_parameters: parameters(raw_query_string),
        request_context: RequestContext {
            account_id: caller.map_or(ANONYMOUS, |caller| caller.account.as_str()),
            api_id: &address.id,
            authorizer: caller.map(|caller| Authorizer { iam: iam(caller) }),
            domain_name: host_name(head).unwrap_or_default(),
            domain_prefix: &address.id,
            http: Http {
                method: head.method.as_str(),
                path: address.path,
                protocol: "HTTP/1.1",
                source_ip: &source_ip,
                user_agent: head.headers.get(USER_AGENT).map(text).unwrap_or_default(),
            },
            request_id: visit.request_id.to_string(),
            route_key: DEFAULT,
            stage: DEFAULT,
            time: time::access_log(visit.received_at),
            time_epoch: time::unix_millis(visit.received_at),
        },
        body: body.map(|(body, _)| body),
        is_base64_encoded,
    };
    serde_json::to_vec(&event)
        .expect("an event has no key that is not a text")
        .into()
}

fn iam(caller: &Caller) -> Iam<'_> {
    Iam {
        access_key: caller.access_key.as_deref(),
        account_id: caller.account.as_str(),
        caller_id: &caller.user_id,
        cognito_identity: None,
        principal_org_id: None,
        user_arn: &caller.arn,
        user_id: &caller.user_id,
    }
}

/// Every header but cookies and what is about the connection, and what the platform adds. A signature, and the token
/// of a session that made it, are for the platform alone.
fn headers<'a>(request: &Request<'a>, source_ip: &str) -> BTreeMap<&'a str, Cow<'a, str>> {
    let head = &request.visit.head;
    let is_for_the_function = |name: &&HeaderName| {
        **name != COOKIE
            && (request.caller.is_none() || !FOR_THE_PLATFORM.contains(&name.as_str()))
            && !is_hop_by_hop(name.as_str(), &head.headers)
    };
    let mut headers: BTreeMap<&str, Cow<'_, str>> = head
        .headers
        .keys()
        .filter(is_for_the_function)
        .map(|name| (name.as_str(), joined(&head.headers, name)))
        .collect();
    let way = match headers.remove("x-forwarded-for") {
        Some(before) => format!("{before}, {source_ip}"),
        None => source_ip.to_owned(),
    };
    let port = host(head)
        .zip(host_name(head))
        .and_then(|(host, name)| host.strip_prefix(name)?.strip_prefix(':'));
    headers.insert("x-forwarded-for", way.into());
    headers.insert("x-forwarded-port", port.unwrap_or(HTTP_PORT).into());
    headers.insert("x-forwarded-proto", "http".into());
    headers.insert("x-amzn-trace-id", request.trace.into());
    headers
}

fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Cow<'a, str> {
    let mut values = headers.get_all(name).iter().map(text);
    let first = values.next().unwrap_or_default();
    values.fold(first, |all, value| format!("{all},{value}").into())
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(COOKIE).iter().map(text);
    let mut cookies = Vec::new();
    for line in lines {
        let named = line.split(';').map(str::trim).filter(|cookie| !cookie.is_empty());
        cookies.extend(named.map(str::to_owned));
    }
    cookies
}

/// The decoded pairs of a query; values of the same name are joined by commas, in their order.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        parameters
            .entry(decoded(name))
            .and_modify(|all: &mut String| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// The body as text where its type says that it is text and it is; else in base64, and that it is.
fn text_or_base64<'a>(content_type: Option<&HeaderValue>, body: &'a [u8]) -> (Cow<'a, str>, bool) {
    let content_type = content_type.map(text).unwrap_or_default();
    match std::str::from_utf8(body) {
        Ok(text) if is_text(&content_type) => (text.into(), false),
        _ => (STANDARD.encode(body).into(), true),
    }
}

/// Whether a content type is one whose bodies functions get as they are.
fn is_text(content_type: &str) -> bool {
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(
            kind.as_str(),
            "application/json" | "application/javascript" | "application/xml"
        )
        || (kind.starts_with("application/") && (kind.ends_with("+json") || kind.ends_with("+xml")))
}

/// A header's value: UTF-8, or else Latin-1.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.into(),
        Err(_) => value
            .as_bytes()
            .iter()
            .copied()
            .map(char::from)
            .collect::<String>()
            .into(),
    }
}
