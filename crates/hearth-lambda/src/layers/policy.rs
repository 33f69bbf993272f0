//! Who may use a layer's version beside its own account.

use hearth_types::{AccountId, LayerVersionArn};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::LayerError;

/// Largest policy, in bytes of its JSON form.
const LARGEST: usize = 20_480;
/// The one action that can be permitted.
pub(super) const ACTION: &str = "lambda:GetLayerVersion";

/// A resource policy. One without statements does not exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// Changes with every statement.
    pub(super) revision_id: Uuid,
    statements: Vec<Statement>,
}

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Statement {
    /// Its identifier, unique in the policy.
    pub(crate) id: String,
    /// An account, the ARN of its root, or `*` for everybody.
    pub(crate) principal: String,
    /// Only accounts of this organization.
    pub(crate) organization: Option<String>,
}

/// A statement as AWS writes it, in AWS's order.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    sid: &'a str,
    effect: &'static str,
    principal: Value,
    action: &'static str,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenPolicy<'a> {
    version: &'static str,
    id: &'static str,
    statement: Vec<Written<'a>>,
}

impl Statement {
    fn permits(&self, account: AccountId) -> bool {
        // There are no organizations, so nobody belongs to one.
        self.organization.is_none() && (self.principal == "*" || self.account() == Some(account))
    }

    fn account(&self) -> Option<AccountId> {
        let root = self.principal.strip_suffix(":root");
        let digits = root
            .and_then(|arn| arn.rsplit(':').next())
            .unwrap_or(&self.principal);
        AccountId::parse(digits).ok()
    }

    fn written(&self, arn: &LayerVersionArn) -> Written<'_> {
        Written {
            sid: &self.id,
            effect: "Allow",
            principal: match self.account() {
                Some(account) => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
                None => json!(self.principal),
            },
            action: ACTION,
            resource: arn.to_string(),
            condition: self
                .organization
                .as_ref()
                .map(|id| json!({"StringEquals": {"aws:PrincipalOrgID": id}})),
        }
    }

    /// The statement as AWS writes it.
    pub(crate) fn text(&self, arn: &LayerVersionArn) -> String {
        serde_json::to_string(&self.written(arn)).expect("texts are always JSON")
    }
}

impl Policy {
    /// A policy, present or not, with one statement more.
    pub(super) fn with(
        policy: Option<&Self>,
        statement: Statement,
        arn: &LayerVersionArn,
    ) -> Result<Self, LayerError> {
        let mut statements = policy.map_or_else(Vec::new, |policy| policy.statements.clone());
        if statements.iter().any(|present| present.id == statement.id) {
            return Err(LayerError::StatementExists(statement.id));
        }
        statements.push(statement);
        let policy = Self {
            revision_id: Uuid::new_v4(),
            statements,
        };
        let size = policy.text(arn).len();
        if size > LARGEST {
            return Err(LayerError::PolicyTooLarge(size));
        }
        Ok(policy)
    }

    /// The policy without a statement; `None` if it was the last one.
    pub(super) fn without(&self, id: &str) -> Result<Option<Self>, LayerError> {
        let mut statements = self.statements.clone();
        statements.retain(|statement| statement.id != id);
        if statements.len() == self.statements.len() {
            return Err(LayerError::NoSuchStatement(id.to_owned()));
        }
        Ok((!statements.is_empty()).then(|| Self {
            revision_id: Uuid::new_v4(),
            statements,
        }))
    }

    pub(super) fn permits(&self, account: AccountId) -> bool {
        self.statements.iter().any(|statement| statement.permits(account))
    }

    /// The identifier of this state of the policy.
    pub(crate) fn revision_id(&self) -> String {
        self.revision_id.to_string()
    }

    /// The policy as AWS writes it.
    pub(crate) fn text(&self, arn: &LayerVersionArn) -> String {
        let written = WrittenPolicy {
            version: "2012-10-17",
            id: "default",
            statement: self
                .statements
                .iter()
                .map(|statement| statement.written(arn))
                .collect(),
        };
        serde_json::to_string(&written).expect("texts are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use hearth_types::{LayerArn, Region, Scope};

    use super::*;

    const OTHER: &str = "123456789012";

    fn arn() -> LayerVersionArn {
        let scope = Scope {
            account: AccountId::DEFAULT,
            region: Region::default(),
        };
        LayerArn::parse("l", &scope).unwrap().version(1)
    }

    fn statement(principal: &str) -> Statement {
        Statement {
            id: "s1".into(),
            principal: principal.into(),
            organization: None,
        }
    }

    #[test]
    fn principals_are_everybody_or_an_account() {
        let other = AccountId::parse(OTHER).unwrap();
        for principal in ["*", OTHER, "arn:aws:iam::123456789012:root"] {
            assert!(statement(principal).permits(other), "{principal}");
        }
        assert!(!statement("210987654321").permits(other));
        let organized = Statement {
            organization: Some("o-abcdefghij".into()),
            ..statement("*")
        };
        assert!(!organized.permits(other));
    }

    #[test]
    fn statements_are_written_as_aws_writes_them() {
        assert_eq!(
            statement("*").text(&arn()),
            r#"{"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}"#
        );
        let text = statement(OTHER).text(&arn());
        assert!(
            text.contains(r#""Principal":{"AWS":"arn:aws:iam::123456789012:root"}"#),
            "{text}"
        );
    }

    #[test]
    fn a_policy_is_bounded() {
        let mut policy = None;
        let refused = (0..1000).find_map(|number| {
            let statement = Statement {
                id: format!("s{number}"),
                ..statement("*")
            };
            match Policy::with(policy.as_ref(), statement, &arn()) {
                Ok(more) => policy = Some(more),
                Err(error) => return Some(error),
            }
            None
        });
        assert!(matches!(refused, Some(LayerError::PolicyTooLarge(20_481..))));
    }
}
