//! Who may use a layer's version beside its own account.

use hearth_iam::policy::{Access, Facts, PolicyError, Requester, ResourcePolicy, Statement};
use hearth_types::LayerVersionArn;
use hearth_wire::Context;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policies::PermissionError;

/// The one action that can be permitted.
pub(super) const ACTION: &str = "lambda:GetLayerVersion";

/// A version's policy. One without statements does not exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LayerPolicy {
    /// Changes with every statement.
    revision_id: Uuid,
    policy: ResourcePolicy,
}

impl LayerPolicy {
    /// A policy, present or not, with one statement more.
    pub(super) fn with(before: Option<&Self>, statement: Statement) -> Result<Self, PolicyError> {
        let mut policy = before.map_or_else(ResourcePolicy::default, |before| before.policy.clone());
        policy.add(statement)?;
        Ok(Self::new(policy))
    }

    /// The policy without a statement; `None` if it was the last one.
    pub(super) fn without(&self, sid: &str) -> Result<Option<Self>, PermissionError> {
        let mut policy = self.policy.clone();
        if !policy.remove(sid) {
            return Err(PermissionError::NoStatement(sid.to_owned()));
        }
        Ok((!policy.is_empty()).then(|| Self::new(policy)))
    }

    fn new(policy: ResourcePolicy) -> Self {
        Self {
            revision_id: Uuid::new_v4(),
            policy,
        }
    }

    /// Whether the account that asks may use this version.
    pub(super) fn permits(&self, ctx: &Context, arn: &LayerVersionArn) -> bool {
        let access = Access {
            requester: Requester::Identity {
                account: ctx.scope.account,
                arn: &ctx.caller.arn,
                role_arn: None,
            },
            action: ACTION,
            resource: &arn.to_string(),
            facts: Facts::default(),
        };
        self.policy.decide(&access).is_allowed()
    }

    /// The identifier of this state of the policy.
    pub(crate) fn revision_id(&self) -> String {
        self.revision_id.to_string()
    }

    /// The policy's document, as AWS writes it.
    pub(crate) fn to_json(&self) -> String {
        self.policy.to_json()
    }
}
