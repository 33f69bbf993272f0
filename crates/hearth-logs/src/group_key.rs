//! The name of a log group and where its segments lie.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hearth_types::Scope;

const MAX_NAME: usize = 512;
/// Longest part of a name in one directory's name; file systems allow 255 bytes.
const PART: usize = 200;
/// Ends the name of a directory that holds the rest of a long name. No group name has it.
const CONTINUED: char = '~';

/// A log group: an account and region, and a name that is unique there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupKey {
    pub(crate) scope: Scope,
    pub(crate) name: Arc<str>,
}

impl GroupKey {
    /// A group name is 1 to 512 of `A-Z a-z 0-9 . - _ / #`.
    pub(crate) fn new(scope: &Scope, name: &str) -> Option<Self> {
        let fits = (1..=MAX_NAME).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-_/#".contains(&b));
        fits.then(|| Self {
            scope: scope.clone(),
            name: name.into(),
        })
    }

    /// The directory of this group's segments below `root`: `<account>/<region>/<name>`, the name
    /// with `+` for `/` and `,` for `.`, so that it is one harmless component.
    pub(crate) fn dir(&self, root: &Path) -> PathBuf {
        let mut dir = root.join(self.scope.account.as_str());
        dir.push(self.scope.region.as_str());
        let mut rest = self.name.replace('/', "+").replace('.', ",");
        while rest.len() > PART {
            let later = rest.split_off(PART);
            rest.push(CONTINUED);
            dir.push(rest);
            rest = later;
        }
        dir.push(rest);
        dir
    }
}

/// What a directory's name says about the group name it is part of.
pub(crate) enum DirName {
    /// The last part.
    Group(String),
    /// A part; the rest is below.
    Continued(String),
}

impl DirName {
    pub(crate) fn parse(name: &str) -> Self {
        let plain = |text: &str| text.replace('+', "/").replace(',', ".");
        match name.strip_suffix(CONTINUED) {
            Some(part) => Self::Continued(plain(part)),
            None => Self::Group(plain(name)),
        }
    }
}

#[cfg(test)]
pub(crate) fn test_scope() -> Scope {
    Scope {
        account: hearth_types::AccountId::DEFAULT,
        region: hearth_types::Region::default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_back(dir: &Path) -> String {
        let mut name = String::new();
        for component in dir.components().skip(2) {
            match DirName::parse(component.as_os_str().to_str().unwrap()) {
                DirName::Group(part) | DirName::Continued(part) => name.push_str(&part),
            }
        }
        name
    }

    #[test]
    fn a_usual_name_stays_readable() {
        let key = GroupKey::new(&test_scope(), "/aws/lambda/hello.v1").unwrap();
        assert_eq!(
            key.dir(Path::new("logs")),
            Path::new("logs/000000000000/us-east-1/+aws+lambda+hello,v1")
        );
    }

    #[test]
    fn names_that_aws_refuses_are_refused() {
        for bad in ["", "a b", "a:b", "naïve", "a\0", &"a".repeat(513)] {
            assert!(GroupKey::new(&test_scope(), bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_a_directory_of_its_own(name in "[.\\-_/#A-Za-z0-9]{1,512}") {
            let dir = GroupKey::new(&test_scope(), &name).unwrap().dir(Path::new(""));
            for component in dir.components() {
                prop_assert!(matches!(component, std::path::Component::Normal(n) if n.len() <= 255));
            }
            prop_assert_eq!(read_back(&dir), name);
        }
    }
}
