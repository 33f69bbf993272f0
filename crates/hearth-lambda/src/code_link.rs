//! `Code.Location`: a link to a code package that works without a signature, for a while.
//!
//! What it permits is sealed inside it, so nothing is kept for links.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_iam::Sealer;
use hearth_types::{CodeHash, time};
use hearth_wire::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::service::Service;

/// Where links point to; the sealed permit follows.
pub(crate) const CODE_PATH: &str = "/_hearth/code/";

/// Binds permits to their purpose.
const CONTEXT: &str = "code link";

/// Makes and reads links.
pub(crate) struct CodeLinks {
    sealer: Arc<Sealer>,
    lifetime: Duration,
}

#[derive(Serialize, Deserialize)]
struct Permit {
    code: CodeHash,
    until_ms: i64,
}

impl CodeLinks {
    pub(crate) fn new(sealer: Arc<Sealer>, lifetime: Duration) -> Self {
        Self { sealer, lifetime }
    }

    /// A link to a package, on the host that the client spoke to.
    pub(crate) fn link(&self, host: &str, code: CodeHash, now: SystemTime) -> String {
        let permit = Permit {
            code,
            until_ms: time::unix_millis(now + self.lifetime),
        };
        let plain = serde_json::to_vec(&permit).expect("a permit has no key that is not a text");
        format!("http://{host}{CODE_PATH}{}", self.sealer.seal(&plain, CONTEXT))
    }

    /// The package that a link's permit opens now.
    pub(crate) fn open(&self, permit: &str, now: SystemTime) -> Option<CodeHash> {
        let plain = self.sealer.unseal(permit, CONTEXT).ok()?;
        let permit: Permit = serde_json::from_slice(&plain).ok()?;
        (time::unix_millis(now) <= permit.until_ms).then_some(permit.code)
    }
}

/// The answer to whoever follows a link.
pub(crate) async fn follow(service: &Service, permit: &str) -> Response<Body> {
    let Some(hash) = service.code_links.open(permit, SystemTime::now()) else {
        return refused(
            StatusCode::FORBIDDEN,
            "The link has expired. GetFunction gives a new one.\n",
        );
    };
    match service.code.read(hash).await {
        Ok(package) => {
            let mut response = Response::new(Body::from(package));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
            response
        }
        Err(error) => {
            warn!(%hash, %error, "a code package cannot be read");
            refused(StatusCode::NOT_FOUND, "The code is not there any more.\n")
        }
    }
}

fn refused(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_for_its_time_only() {
        let links = CodeLinks::new(Arc::new(Sealer::ephemeral()), Duration::from_secs(600));
        let (now, code) = (SystemTime::now(), CodeHash::of(b"zip"));
        let link = links.link("127.0.0.1:4566", code, now);
        let permit = link.strip_prefix("http://127.0.0.1:4566/_hearth/code/").unwrap();
        assert!(!permit.contains(['/', '?', '#', '%', '+']));
        assert_eq!(links.open(permit, now + Duration::from_secs(600)), Some(code));
        assert_eq!(links.open(permit, now + Duration::from_secs(601)), None);
        assert_eq!(links.open(&permit.replace("v1.", "v2."), now), None);
        let elsewhere = CodeLinks::new(Arc::new(Sealer::ephemeral()), Duration::from_secs(600));
        assert_eq!(elsewhere.open(permit, now), None);
    }
}
