//! Finding out who sends a request.

mod inside;
mod lenient;
mod permission;
mod refusal;
#[cfg(test)]
mod tests;
mod verified;

use hearth_wire::SignedRequest;

pub use inside::Inside;
pub use lenient::Lenient;
pub use verified::Verified;

use crate::sigv4::Request;

fn signed<'a>(request: &SignedRequest<'a>) -> Request<'a> {
    let SignedRequest {
        method,
        uri,
        headers,
        body,
        ..
    } = *request;
    Request {
        method,
        uri,
        headers,
        body,
    }
}
