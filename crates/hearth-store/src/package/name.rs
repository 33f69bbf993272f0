//! Names of entries.

use super::{MAX_NAME, PackageError};

/// Longest single component the usual file systems take, in bytes.
const MAX_COMPONENT: usize = 255;

/// A relative path of plain components, joined by single slashes: it cannot lead out of a directory.
pub(super) struct EntryName(String);

impl EntryName {
    /// Reads the name of an entry. Empty components and `.` mean nothing and are dropped; a name of which nothing
    /// remains stands for the package itself and is `None`.
    pub(super) fn parse(raw: &str) -> Result<Option<Self>, PackageError> {
        let refused = || PackageError::UnsafePath(raw.chars().take(MAX_NAME).collect());
        if raw.is_empty() || raw.len() > MAX_NAME || raw.starts_with('/') || raw.contains('\0') {
            return Err(refused());
        }
        let mut name = String::with_capacity(raw.len());
        for component in raw.split('/').filter(|component| !matches!(*component, "" | ".")) {
            if component == ".." || component.len() > MAX_COMPONENT {
                return Err(refused());
            }
            if !name.is_empty() {
                name.push('/');
            }
            name.push_str(component);
        }
        Ok((!name.is_empty()).then_some(Self(name)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, outermost first; there is at least one.
    pub(super) fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The names of the directories that lead here, outermost first, and this name last.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = &str> {
        let ends = self.0.match_indices('/').map(|(at, _)| at);
        ends.chain([self.0.len()]).map(|end| &self.0[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Option<String> {
        EntryName::parse(raw).unwrap().map(|name| name.0)
    }

    #[test]
    fn names_are_reduced_to_plain_components() {
        assert_eq!(parse("a/b.js").as_deref(), Some("a/b.js"));
        assert_eq!(parse("./a//b/./").as_deref(), Some("a/b"));
        assert_eq!(parse("...").as_deref(), Some("..."));
        assert_eq!(parse("a\\..\\b").as_deref(), Some("a\\..\\b"));
        assert_eq!(parse("./"), None);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let long = "a".repeat(MAX_COMPONENT + 1);
        let deep = "a/".repeat(MAX_NAME);
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "../a",
            "a/..",
            "a\0b",
            &long,
            &deep,
        ] {
            assert!(
                matches!(EntryName::parse(bad), Err(PackageError::UnsafePath(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn prefixes_lead_to_the_name() {
        let name = EntryName::parse("a/bc/d").unwrap().unwrap();
        assert_eq!(name.prefixes().collect::<Vec<_>>(), ["a", "a/bc", "a/bc/d"]);
    }
}
