//! Which group a request means: by name, or by an identifier that is a name or an ARN.

use hearth_types::Scope;
use hearth_wire::AwsError;

use super::answers::{group_arn, invalid, no_group};
use crate::group_key::GroupKey;

/// The name of the group that `logGroupName` or `logGroupIdentifier` means. One of them must be
/// given. The ARN of another account or region means a group that is not there.
pub(super) fn group_name(
    scope: &Scope,
    name: Option<String>,
    identifier: Option<String>,
) -> Result<String, AwsError> {
    match (name, identifier) {
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) => identified(scope, identifier).ok_or_else(no_group),
        (Some(_), Some(_)) => Err(invalid(
            "logGroupName and logGroupIdentifier are mutually exclusive parameters.",
        )),
        (None, None) => Err(invalid("Either logGroupName or logGroupIdentifier is required.")),
    }
}

/// The name in an identifier, if it can be of this account and region.
pub(super) fn identified(scope: &Scope, identifier: String) -> Option<String> {
    if !identifier.starts_with("arn:") {
        return Some(identifier);
    }
    let name = identifier.strip_prefix(&group_arn(scope, ""))?;
    Some(name.strip_suffix(":*").unwrap_or(name).to_owned())
}

/// The group of a name, which the model has checked.
pub(super) fn key(scope: &Scope, name: &str) -> Result<GroupKey, AwsError> {
    GroupKey::new(scope, name).ok_or_else(no_group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group_key::test_scope;

    #[test]
    fn a_group_is_named_in_one_way() {
        let find = |name: Option<&str>, identifier: Option<&str>| {
            let found = group_name(
                &test_scope(),
                name.map(str::to_owned),
                identifier.map(str::to_owned),
            );
            found.map_err(|error| error.code)
        };
        let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f";
        assert_eq!(find(Some("/aws/lambda/f"), None).unwrap(), "/aws/lambda/f");
        assert_eq!(find(None, Some("/aws/lambda/f")).unwrap(), "/aws/lambda/f");
        assert_eq!(find(None, Some(arn)).unwrap(), "/aws/lambda/f");
        assert_eq!(find(None, Some(&format!("{arn}:*"))).unwrap(), "/aws/lambda/f");
        assert_eq!(
            find(None, Some(&arn.replace("us-", "eu-"))).unwrap_err(),
            "ResourceNotFoundException"
        );
        assert_eq!(
            find(Some("g"), Some("g")).unwrap_err(),
            "InvalidParameterException"
        );
        assert_eq!(find(None, None).unwrap_err(), "InvalidParameterException");
    }
}
