//! Which function a request means: its name or ARN and its `Qualifier` parameter, taken together.

use hearth_types::{FunctionArn, FunctionReference, Qualifier, Region, Scope};

/// A function and the qualifier that the request named, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Account, region and name; never qualified.
    pub(crate) arn: FunctionArn,
    /// The qualifier as it was written. It need not be one that can exist, such as `$latest`.
    pub(crate) qualifier: Option<String>,
}

/// The request does not mean a function of its own account and region.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReferenceError {
    /// The ARN names another region.
    #[error("Functions from '{wanted}' are not reachable in this region ('{here}')")]
    OtherRegion { wanted: Region, here: Region },
    /// The ARN names another account.
    #[error("the function belongs to another account")]
    OtherAccount,
    /// Name and parameter carry different qualifiers.
    #[error("The derived qualifier from the function name does not match the specified qualifier.")]
    QualifierMismatch,
    /// The name has characters that no function's name has, though the model lets them through.
    #[error("Function not found: arn:aws:lambda:{}:{}:function:{name}", scope.region, scope.account)]
    NoSuchName { scope: Scope, name: String },
    /// The operation works on whole functions.
    #[error(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this \
         operation. Please specify either a function name or an unqualified function ARN."
    )]
    Qualified,
}

impl Target {
    /// Resolves a name or ARN, already checked against the model's pattern, and a `Qualifier` parameter.
    pub(crate) fn resolve(
        scope: &Scope,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Self, ReferenceError> {
        let reference = FunctionReference::parse(name).map_err(|_| ReferenceError::NoSuchName {
            scope: scope.clone(),
            name: name.to_owned(),
        })?;
        if let Some(wanted) = reference.region
            && wanted != scope.region
        {
            return Err(ReferenceError::OtherRegion {
                wanted,
                here: scope.region.clone(),
            });
        }
        if reference.account.is_some_and(|account| account != scope.account) {
            return Err(ReferenceError::OtherAccount);
        }
        let derived = reference.qualifier.map(|qualifier| qualifier.to_string());
        let qualifier = match (derived, qualifier) {
            (Some(derived), Some(given)) if derived != given => {
                return Err(ReferenceError::QualifierMismatch);
            }
            (derived, given) => derived.or_else(|| given.map(str::to_owned)),
        };
        Ok(Self {
            arn: FunctionArn::new(scope.clone(), reference.name),
            qualifier,
        })
    }

    /// As [`Target::resolve`] for operations that know no versions and aliases.
    pub(crate) fn resolve_whole(scope: &Scope, name: &str) -> Result<Self, ReferenceError> {
        let target = Self::resolve(scope, name, None)?;
        if target.qualifier.is_some() {
            Err(ReferenceError::Qualified)
        } else {
            Ok(target)
        }
    }

    /// As [`Target::resolve`] for operations that change the unpublished state.
    pub(crate) fn resolve_latest(scope: &Scope, name: &str) -> Result<Self, ReferenceError> {
        let target = Self::resolve(scope, name, None)?;
        if target.is_latest() {
            Ok(target)
        } else {
            Err(ReferenceError::Qualified)
        }
    }

    /// Whether the unpublished state is meant, by name or for want of a qualifier.
    pub(crate) fn is_latest(&self) -> bool {
        self.qualifier
            .as_deref()
            .is_none_or(|qualifier| qualifier == "$LATEST")
    }

    /// Which state is meant: `$LATEST` for want of a qualifier, nothing where the qualifier is one that cannot exist.
    pub(crate) fn state(&self) -> Option<Qualifier> {
        match &self.qualifier {
            None => Some(Qualifier::Latest),
            Some(text) => Qualifier::parse(text),
        }
    }

    /// The qualifier, if it is one that an alias may have.
    pub(crate) fn alias(&self) -> Option<String> {
        match self.state()? {
            Qualifier::Alias(name) => Some(name),
            Qualifier::Latest | Qualifier::Version(_) => None,
        }
    }

    /// The ARN of what can have a URL: the function, or the alias if the request names one.
    pub(crate) fn whole_or_alias(&self) -> Option<FunctionArn> {
        match &self.qualifier {
            None => Some(self.arn.clone()),
            Some(_) => Some(self.arn.qualified(Qualifier::Alias(self.alias()?))),
        }
    }

    /// The ARN with the qualifier as the request named it.
    pub(crate) fn qualified_arn(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.arn),
            None => self.arn.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(name: &str, qualifier: Option<&str>) -> Result<Target, ReferenceError> {
        Target::resolve(&Scope::default(), name, qualifier)
    }

    #[test]
    fn the_qualifier_may_stand_in_either_place() {
        let plain = resolve("f", None).unwrap();
        assert!(plain.is_latest());
        assert_eq!(
            plain.qualified_arn(),
            "arn:aws:lambda:us-east-1:000000000000:function:f"
        );
        assert_eq!(resolve("f:1", None).unwrap(), resolve("f", Some("1")).unwrap());
        assert_eq!(resolve("f:1", Some("1")).unwrap().qualifier.as_deref(), Some("1"));
        assert!(matches!(
            resolve("f:$LATEST", Some("1")),
            Err(ReferenceError::QualifierMismatch)
        ));
        assert!(!resolve("f", Some("$latest")).unwrap().is_latest());
        let state = |name| resolve(name, None).unwrap().state();
        assert_eq!(state("f:prod"), Some(Qualifier::Alias("prod".into())));
        assert_eq!(state("f:7"), Some(Qualifier::Version(7)));
        assert_eq!(state("f"), Some(Qualifier::Latest));
        assert_eq!(resolve("f", Some("$latest")).unwrap().state(), None);
    }

    #[test]
    fn other_regions_and_accounts_are_out_of_reach() {
        let arn = "arn:aws:lambda:eu-west-1:000000000000:function:f";
        assert_eq!(
            resolve(arn, None).unwrap_err().to_string(),
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
        );
        assert!(matches!(
            resolve("123456789012:function:f", None),
            Err(ReferenceError::OtherAccount)
        ));
        assert!(matches!(
            resolve("a.b", None),
            Err(ReferenceError::NoSuchName { .. })
        ));
    }

    #[test]
    fn some_operations_take_whole_functions_only() {
        assert!(Target::resolve_whole(&Scope::default(), "f").is_ok());
        assert!(matches!(
            Target::resolve_whole(&Scope::default(), "f:1"),
            Err(ReferenceError::Qualified)
        ));
    }
}
