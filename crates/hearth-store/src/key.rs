//! What names a document.

use std::fmt;

use hearth_types::Scope;

/// The kind of a document, such as `function`: the crate that owns the kind owns the body's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(&'static str);

impl Kind {
    /// Names a kind; each is a constant of the crate that owns it.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

/// The name of a document: account and region, kind, and an identifier unique among those.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The account and region that own the document.
    pub scope: Scope,
    /// What it is.
    pub kind: Kind,
    /// Its identifier within scope and kind; any text.
    pub id: String,
}

impl Key {
    /// Names a document.
    pub fn new(scope: Scope, kind: Kind, id: impl Into<String>) -> Self {
        Self {
            scope,
            kind,
            id: id.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scope { account, region } = &self.scope;
        write!(f, "{} {} in {account} {region}", self.kind.0, self.id)
    }
}
