//! Who an access key belongs to.

use std::sync::Arc;

use hearth_types::AccountId;
use hearth_wire::{Caller, CallerKind};

use crate::{AccessKey, Secret};

/// A caller and the secret that proves it.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// What the caller signs with.
    pub(crate) secret: Secret,
    /// The caller.
    pub(crate) caller: Arc<Caller>,
}

impl Identity {
    /// The account itself, by one of its access keys.
    pub(crate) fn root(account: AccountId, key: &AccessKey) -> Self {
        let caller = account_caller(account, Some(key.id.clone()), CallerKind::Root);
        Self {
            secret: key.secret.clone(),
            caller: Arc::new(caller),
        }
    }
}

/// A caller that acts as the account itself.
pub(crate) fn account_caller(account: AccountId, access_key: Option<String>, kind: CallerKind) -> Caller {
    Caller {
        account,
        arn: format!("arn:aws:iam::{account}:root"),
        user_id: account.to_string(),
        access_key,
        kind,
    }
}
