//! A function's network policy. AWS has no such setting, so that it is a tag, which every AWS tool can set.

use std::collections::BTreeMap;

use hearth_types::{InvalidPolicy, NetworkPolicy};

/// A tag that is no policy.
#[derive(Debug, thiserror::Error)]
#[error("The tag {tag} is not a network policy: {0}", tag = NetworkPolicy::TAG)]
pub(crate) struct InvalidTag(#[from] InvalidPolicy);

/// The policy that the tags of a function say: the default one if they say nothing.
pub(crate) fn policy(tags: &BTreeMap<String, String>) -> Result<NetworkPolicy, InvalidTag> {
    match tags.get(NetworkPolicy::TAG) {
        Some(text) => Ok(text.parse::<NetworkPolicy>()?),
        None => Ok(NetworkPolicy::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
