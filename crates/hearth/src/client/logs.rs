//! The calls of the CloudWatch Logs API that the commands make.

use hearth_wire::logs::{FilterLogEventsResponse, FilteredLogEvent};
use http::{HeaderName, HeaderValue, Method};
use serde_json::json;

use super::{Call, Client, ClientError};

/// Which events to read.
#[derive(Clone, Debug)]
pub(crate) struct LogQuery {
    pub(crate) group: String,
    /// The filter pattern they must fit.
    pub(crate) filter: Option<String>,
    /// The earliest time, in milliseconds since the Unix epoch.
    pub(crate) since: i64,
    /// Where the last page ended.
    pub(crate) next_token: Option<String>,
}

impl LogQuery {
    /// The first page of a group's events from a time on.
    pub(crate) fn new(group: String, filter: Option<String>, since: i64) -> Self {
        Self {
            group,
            filter,
            since,
            next_token: None,
        }
    }
}

/// Events in the order of their time.
pub(crate) struct LogPage {
    pub(crate) events: Vec<FilteredLogEvent>,
    pub(crate) next_token: Option<String>,
}

impl Client {
    pub(crate) async fn log_events(&self, query: &LogQuery) -> Result<LogPage, ClientError> {
        let mut body = json!({ "logGroupName": query.group, "startTime": query.since, "interleaved": true });
        if let Some(pattern) = &query.filter {
            body["filterPattern"] = json!(pattern);
        }
        if let Some(token) = &query.next_token {
            body["nextToken"] = json!(token);
        }
        let headers = vec![
            (
                HeaderName::from_static("content-type"),
                HeaderValue::from_static("application/x-amz-json-1.1"),
            ),
            (
                HeaderName::from_static("x-amz-target"),
                HeaderValue::from_static("Logs_20140328.FilterLogEvents"),
            ),
        ];
        let (method, target) = (Method::POST, "/".to_owned());
        let call = Call {
            service: "logs",
            method,
            target,
            headers,
            body: body.to_string().into(),
        };
        let page: FilterLogEventsResponse = self.call(call).await?.json()?;
        Ok(LogPage {
            events: page.events.unwrap_or_default(),
            next_token: page.next_token,
        })
    }
}
