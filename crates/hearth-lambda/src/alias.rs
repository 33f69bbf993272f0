//! An alias: a name for a version, or for two of them in proportion.

use std::sync::Arc;

use bytes::Bytes;
use hearth_iam::policy::ResourcePolicy;
use hearth_store::{Document, Key, Kind, StoreError, Unit, When};
use hearth_types::{FunctionArn, FunctionName, Qualifier, Scope};
use hearth_wire::lambda::{AliasConfiguration, AliasRoutingConfiguration};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::service::Service;

/// The kind of these documents.
pub(crate) const KIND: Kind = Kind::new("alias");

/// An alias as it is kept in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    /// Account and region.
    pub(crate) scope: Scope,
    /// The function.
    pub(crate) function: FunctionName,
    /// Its name, unique for the function.
    pub(crate) name: String,
    /// Free text.
    pub(crate) description: String,
    /// What runs: a version, or `$LATEST`.
    pub(crate) version: Qualifier,
    /// A second version that runs sometimes.
    pub(crate) additional: Option<Additional>,
    /// Changes with the alias and its policy.
    pub(crate) revision_id: Uuid,
    /// Who else may use the function under this name.
    #[serde(default)]
    pub(crate) policy: ResourcePolicy,
}

/// A version that gets a part of the invocations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Additional {
    /// Its number.
    pub(crate) version: u64,
    /// Its part of all invocations, 0 to 1.
    pub(crate) weight: f64,
}

impl Alias {
    /// The ARN of the function under this name.
    pub(crate) fn arn(&self) -> FunctionArn {
        self.function_arn().qualified(Qualifier::Alias(self.name.clone()))
    }

    /// The ARN of the function.
    pub(crate) fn function_arn(&self) -> FunctionArn {
        FunctionArn::new(self.scope.clone(), self.function.clone())
    }

    /// The document's key.
    pub(crate) fn key(&self) -> Key {
        let id = format!("{}:{}", self.function, self.name);
        Key::new(self.scope.clone(), KIND, id)
    }

    /// The document's body.
    pub(crate) fn to_body(&self) -> Bytes {
        serde_json::to_vec(self)
            .expect("an alias has no key that is not a text")
            .into()
    }

    /// Reads a document.
    pub(crate) fn from_document(document: &Document) -> Result<Self, StoreError> {
        serde_json::from_slice(&document.body)
            .map_err(|error| StoreError::Corrupt(format!("{}: {error}", document.key)))
    }

    /// The version that runs, given a number that is 0 or more, less than 1, and as likely any of those.
    pub(crate) fn choose(&self, draw: f64) -> Qualifier {
        match self.additional {
            Some(Additional { version, weight }) if draw < weight => Qualifier::Version(version),
            _ => self.version.clone(),
        }
    }

    /// Whether a version may run under this name.
    pub(crate) fn refers_to(&self, version: &Qualifier) -> bool {
        let additional = self
            .additional
            .map(|additional| Qualifier::Version(additional.version));
        self.version == *version || additional.as_ref() == Some(version)
    }

    /// Whether a client knows the alias as it is now, where it says what it knows.
    pub(crate) fn check_revision(&self, revision_id: Option<&str>) -> Result<(), Error> {
        match revision_id {
            Some(known) if known != self.revision_id.to_string() => Err(Error::RevisionMismatch),
            _ => Ok(()),
        }
    }

    /// The alias as the API shows it.
    pub(crate) fn show(&self) -> AliasConfiguration {
        AliasConfiguration {
            alias_arn: Some(self.arn().to_string()),
            name: Some(self.name.clone()),
            function_version: Some(self.version.to_string()),
            description: Some(self.description.clone()),
            routing_config: self.additional.map(|additional| AliasRoutingConfiguration {
                additional_version_weights: Some(
                    [(additional.version.to_string(), additional.weight)].into(),
                ),
            }),
            revision_id: Some(self.revision_id.to_string()),
        }
    }
}

impl Service {
    /// Commits and shows an alias, new or changed. Whoever calls this holds the turn.
    pub(crate) async fn put_alias(&self, alias: Alias, when: When) -> Result<(), Error> {
        let unit = Unit::new().put(alias.key(), alias.to_body(), when);
        self.store.commit(unit).await?;
        let arn = alias.function_arn();
        self.registry
            .update(&arn, |entry| entry.put_alias(Arc::new(alias)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alias(additional: Option<Additional>) -> Alias {
        Alias {
            scope: Scope::default(),
            function: FunctionName::parse("f").unwrap(),
            name: "prod".into(),
            description: String::new(),
            version: Qualifier::Version(1),
            additional,
            revision_id: Uuid::nil(),
            policy: ResourcePolicy::default(),
        }
    }

    #[test]
    fn the_extremes_are_exact() {
        let weighted = |weight| alias(Some(Additional { version: 2, weight }));
        let almost_one = 1.0 - f64::EPSILON / 2.0;
        for draw in [0.0, 0.5, almost_one] {
            assert_eq!(weighted(0.0).choose(draw), Qualifier::Version(1));
            assert_eq!(weighted(1.0).choose(draw), Qualifier::Version(2));
            assert_eq!(alias(None).choose(draw), Qualifier::Version(1));
        }
    }

    #[test]
    fn it_refers_to_both_versions() {
        let alias = alias(Some(Additional {
            version: 2,
            weight: 0.0,
        }));
        assert!(alias.refers_to(&Qualifier::Version(1)) && alias.refers_to(&Qualifier::Version(2)));
        assert!(!alias.refers_to(&Qualifier::Version(3)) && !alias.refers_to(&Qualifier::Latest));
    }

    proptest! {
        /// Of evenly spread numbers the additional version gets its part, to the last one.
        #[test]
        fn the_parts_are_as_wanted(weight in 0.0..=1.0f64, draws in 1u32..2000) {
            let alias = alias(Some(Additional { version: 2, weight }));
            let second = (0..draws)
                .filter(|index| alias.choose(f64::from(*index) / f64::from(draws)) == Qualifier::Version(2))
                .count();
            let wanted = weight * f64::from(draws);
            prop_assert!((second as f64 - wanted).abs() <= 1.0, "{} of {}", second, wanted);
        }

        #[test]
        fn the_same_number_chooses_the_same(weight in 0.0..=1.0f64, draw in 0.0..1.0f64) {
            let alias = alias(Some(Additional { version: 2, weight }));
            let wanted = if draw < weight { 2 } else { 1 };
            prop_assert_eq!(alias.choose(draw), Qualifier::Version(wanted));
        }
    }
}
