//! What functions used, by Hearth's own API.

use std::time::{SystemTime, UNIX_EPOCH};

use hearth_metering::{USAGE_PATH, Usage, UsageBy};
use http::Method;
use serde::Deserialize;

use super::{Call, Client, ClientError};

impl Client {
    /// What the functions of the account used since a time, in the client's region.
    pub(crate) async fn usage(&self, since: SystemTime, by: UsageBy) -> Result<Vec<Usage>, ClientError> {
        #[derive(Deserialize)]
        struct Report {
            usage: Vec<Usage>,
        }
        let seconds = since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let call = Call {
            service: "lambda",
            method: Method::GET,
            target: format!("{USAGE_PATH}?since={seconds}&by={}", by.as_str()),
            headers: Vec::new(),
            body: Default::default(),
        };
        let report: Report = self.call(call).await?.json()?;
        Ok(report.usage)
    }
}
