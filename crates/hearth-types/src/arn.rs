//! The ARN of a function.

use std::fmt;

use crate::{FunctionName, Qualifier, Scope};

/// `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FunctionArn {
    /// Account and region.
    pub scope: Scope,
    /// The function's name.
    pub name: FunctionName,
    /// The qualifier, where the ARN names a version or an alias.
    pub qualifier: Option<Qualifier>,
}

impl FunctionArn {
    /// The unqualified ARN of a function.
    pub fn new(scope: Scope, name: FunctionName) -> Self {
        Self {
            scope,
            name,
            qualifier: None,
        }
    }

    /// The same function with a qualifier.
    pub fn qualified(&self, qualifier: Qualifier) -> Self {
        Self {
            qualifier: Some(qualifier),
            ..self.clone()
        }
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scope { account, region } = &self.scope;
        write!(f, "arn:aws:lambda:{region}:{account}:function:{}", self.name)?;
        match &self.qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_aws_writes_it() {
        let scope = Scope::default();
        let arn = FunctionArn::new(scope, FunctionName::parse("f").unwrap());
        assert_eq!(
            arn.to_string(),
            "arn:aws:lambda:us-east-1:000000000000:function:f"
        );
        assert_eq!(
            arn.qualified(Qualifier::Latest).to_string(),
            "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"
        );
    }
}
