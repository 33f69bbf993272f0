//! One statement of a policy.

use serde::{Deserialize, Serialize};

use super::{Access, Condition, Principal};

/// Allows or denies something to somebody. Serialises as in a policy document, members in AWS's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// Its id, unique in the policy.
    pub sid: String,
    /// Whether it is a yes or a no.
    pub effect: Effect,
    /// Whom it is about.
    pub principal: Principal,
    /// What it is about: an action such as `lambda:InvokeFunction`, `lambda:*`, or `*`.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
    /// What else must be so.
    #[serde(default, skip_serializing_if = "Condition::is_empty")]
    pub condition: Condition,
}

/// What a statement says to those it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Yes.
    Allow,
    /// No, whatever else is allowed.
    Deny,
}

impl Statement {
    /// The statement by itself, as AWS writes it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a statement has no key that is not a text")
    }

    /// Whether this speaks of the access.
    pub(super) fn covers(&self, access: &Access<'_>) -> bool {
        self.names(access.action)
            && self.resource == access.resource
            && self.principal.is(access.requester)
            && self.condition.holds(&access.facts)
    }

    /// Actions are compared without regard to case. A star stands for all actions, of all services or of one.
    fn names(&self, action: &str) -> bool {
        let service = |action: &str| action.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match self.action.strip_suffix('*') {
            Some("") => true,
            Some(_) => self.action.ends_with(":*") && service(&self.action) == service(action),
            None => self.action.eq_ignore_ascii_case(action),
        }
    }
}
