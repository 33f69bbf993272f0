//! A function's network policy. AWS has no such setting, so that it is a tag, which every AWS tool can set.

use std::collections::BTreeMap;

use hearth_types::{InvalidPolicy, NetworkPolicy};

/// A tag that is no policy, or one that a function cannot have here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTag {
    #[error("The tag {tag} is not a network policy: {0}", tag = NetworkPolicy::TAG)]
    NoPolicy(#[from] InvalidPolicy),
    #[error(
        "The network policy {0} (tag {tag}) cannot be held here: in the isolation tier process functions have the host's \
         network. Leave it out, or use the policy allow.",
        tag = NetworkPolicy::TAG
    )]
    NotHeld(NetworkPolicy),
}

/// The policy that the tags of a function say: the default one if they say nothing.
pub(crate) fn policy(tags: &BTreeMap<String, String>) -> Result<NetworkPolicy, InvalidTag> {
    match tags.get(NetworkPolicy::TAG) {
        Some(text) => Ok(text.parse::<NetworkPolicy>()?),
        None => Ok(NetworkPolicy::default()),
    }
}

/// Refuses tags that are no policy, and where none can be held, all but the one that allows everything.
pub(crate) fn check(tags: &BTreeMap<String, String>, is_held: bool) -> Result<(), InvalidTag> {
    match policy(tags)? {
        NetworkPolicy::Allow => Ok(()),
        other if !is_held => Err(InvalidTag::NotHeld(other)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_policy_is_held_only_allow_is_one() {
        let tags = |value: &str| BTreeMap::from([(NetworkPolicy::TAG.to_owned(), value.to_owned())]);
        for (value, held, fine) in [
            ("allow", false, true),
            ("none", false, false),
            ("a.example", false, false),
            ("none", true, true),
        ] {
            assert_eq!(check(&tags(value), held).is_ok(), fine, "{value} {held}");
        }
        assert!(check(&BTreeMap::new(), false).is_ok());
        let refused = check(&tags("none"), false).unwrap_err().to_string();
        assert!(
            refused.contains("none (tag hearth:network) cannot be held"),
            "{refused}"
        );
    }

    #[test]
    fn one_tag_is_the_policy() {
        let tags = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(policy(&tags("network", "none")).unwrap(), NetworkPolicy::Allow);
        assert_eq!(
            policy(&tags("hearth:network", "none")).unwrap(),
            NetworkPolicy::None
        );
        let refused = policy(&tags("hearth:network", "http://a"))
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with("The tag hearth:network is not a network policy: \"http://a\" is neither")
        );
    }
}
