//! Resource policies: who may do what with one resource, such as a function, one of its versions, or a layer.
//!
//! A policy belongs to one resource and is kept with it. It allows nothing by itself: [`ResourcePolicy::decide`] says
//! yes only where a [`Statement`] does, and an explicit no wins over every yes. The rules are IAM's, as far as the
//! statements that AddPermission can make use them.

mod arn_like;
mod condition;
mod principal;
mod statement;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use condition::{Condition, Facts};
pub use principal::{InvalidPrincipal, Principal, Requester};
pub use statement::{Effect, Statement};

/// Longest policy, in bytes of JSON.
pub const POLICY_BYTES: usize = 20 * 1024;

/// The statements about one resource. Their ids are unique.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourcePolicy {
    statements: Vec<Statement>,
}

/// Somebody wants something. What a policy is asked.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Who.
    pub requester: Requester<'a>,
    /// What, such as `lambda:InvokeFunction`.
    pub action: &'a str,
    /// With which resource: its ARN, qualified as in the policy's statements.
    pub resource: &'a str,
    /// What else is known and conditions may ask for.
    pub facts: Facts<'a>,
}

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement speaks of it, which is a no as well.
    NotAllowed,
}

/// A statement that a policy cannot take.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Another statement has this id.
    #[error(
        "The statement id ({0}) provided already exists. Please provide a new statement id, or remove the existing \
         statement."
    )]
    StatementExists(String),
    /// The policy would become too long.
    #[error("The final policy size ({size}) is bigger than the limit ({POLICY_BYTES}).")]
    TooLong {
        /// Bytes it would have.
        size: usize,
    },
}

/// A policy as GetPolicy shows it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    version: &'static str,
    id: &'static str,
    statement: &'a [Statement],
}

impl ResourcePolicy {
    /// Whether nothing was ever allowed, or all of it was removed.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Adds a statement, or leaves the policy as it is.
    pub fn add(&mut self, statement: Statement) -> Result<(), PolicyError> {
        if self
            .statements
            .iter()
            .any(|existing| existing.sid == statement.sid)
        {
            return Err(PolicyError::StatementExists(statement.sid));
        }
        self.statements.push(statement);
        let size = self.to_json().len();
        if size > POLICY_BYTES {
            self.statements.pop();
            return Err(PolicyError::TooLong { size });
        }
        Ok(())
    }

    /// Removes the statement with this id; whether there was one.
    pub fn remove(&mut self, sid: &str) -> bool {
        let before = self.statements.len();
        self.statements.retain(|statement| statement.sid != sid);
        self.statements.len() < before
    }

    /// The policy's document, as AWS writes it.
    pub fn to_json(&self) -> String {
        let shown = Shown {
            version: "2012-10-17",
            id: "default",
            statement: &self.statements,
        };
        serde_json::to_string(&shown).expect("a policy has no key that is not a text")
    }

    /// Whether the policy lets somebody do something. No policy, or one that does not speak of it, does not.
    pub fn decide(&self, access: &Access<'_>) -> Decision {
        let mut decision = Decision::NotAllowed;
        for statement in self
            .statements
            .iter()
            .filter(|statement| statement.covers(access))
        {
            match statement.effect {
                Effect::Deny => return Decision::Denied,
                Effect::Allow => decision = Decision::Allowed,
            }
        }
        decision
    }
}

impl Decision {
    /// Whether that is a yes.
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}
