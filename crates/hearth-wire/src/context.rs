//! Who asks, for which account and region, and when.

use std::sync::Arc;
use std::time::SystemTime;

use hearth_types::{AccountId, FunctionName, RequestId, Scope};

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The caller's account.
    pub account: AccountId,
    /// The caller's ARN, as GetCallerIdentity returns it.
    pub arn: String,
    /// The caller's unique id, as GetCallerIdentity returns it.
    pub user_id: String,
    /// The access key that signed the request, if one did.
    pub access_key: Option<String>,
    /// What kind of identity it is.
    pub kind: CallerKind,
}

/// The kinds of identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// The account itself.
    Root,
    /// A function that runs with its role.
    Session {
        /// The ARN of the role.
        role_arn: String,
        /// The function.
        function: FunctionName,
    },
    /// Nobody in particular; in development mode only.
    Anonymous,
}

/// What every handler gets besides its input.
#[derive(Clone, Debug)]
pub struct Context {
    /// The account and region that the request is about.
    pub scope: Scope,
    /// Who asks.
    pub caller: Arc<Caller>,
    /// The id in `x-amzn-RequestId`.
    pub request_id: RequestId,
    /// When the head of the request had been read.
    pub received_at: SystemTime,
    /// The host the client spoke to, with its port, as in the Host header; empty if there was none.
    pub host: String,
}
