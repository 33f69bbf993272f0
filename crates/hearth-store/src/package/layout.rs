//! Which names are taken, and by what.

use std::collections::HashMap;

use super::name::EntryName;
use super::{MAX_ENTRIES, PackageError};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Directory,
    File { executable: bool },
    Link,
}

enum Node {
    /// The index of its content in [`Layout::directories`].
    Directory(usize),
    File,
    Link,
}

/// The tree of everything a package has brought so far. It admits only what can be written without ever going
/// through a link or replacing one thing by another.
pub(super) struct Layout {
    /// The names in each directory; the first is the package itself.
    directories: Vec<HashMap<Box<str>, Node>>,
    nodes: usize,
}

impl Layout {
    pub(super) fn new() -> Self {
        Self {
            directories: vec![HashMap::new()],
            nodes: 0,
        }
    }

    /// Admits an entry. Answers how many of the directories that lead to it, and of itself where it is one, were
    /// there before.
    pub(super) fn add(&mut self, name: &EntryName, kind: Type) -> Result<usize, PackageError> {
        let mut components = name.components().peekable();
        let (mut parent, mut known) = (0, 0);
        while let Some(component) = components.next() {
            let last = components.peek().is_none();
            match (self.directories[parent].get(component), last, kind) {
                (None, true, Type::File { .. }) => self.insert(parent, component, Node::File)?,
                (None, true, Type::Link) => self.insert(parent, component, Node::Link)?,
                (None, ..) => parent = self.make_directory(parent, component)?,
                (Some(Node::Directory(index)), false, _)
                | (Some(Node::Directory(index)), true, Type::Directory) => {
                    (parent, known) = (*index, known + 1);
                }
                (Some(Node::File), true, Type::File { .. }) => {}
                _ => return Err(PackageError::Clash(name.as_str().to_owned())),
            }
        }
        Ok(known)
    }

    fn make_directory(&mut self, parent: usize, name: &str) -> Result<usize, PackageError> {
        let index = self.directories.len();
        self.insert(parent, name, Node::Directory(index))?;
        self.directories.push(HashMap::new());
        Ok(index)
    }

    fn insert(&mut self, parent: usize, name: &str, node: Node) -> Result<(), PackageError> {
        self.nodes += 1;
        if self.nodes > MAX_ENTRIES {
            return Err(PackageError::TooManyEntries);
        }
        self.directories[parent].insert(name.into(), node);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Type = Type::File { executable: false };

    fn add(layout: &mut Layout, name: &str, kind: Type) -> Result<usize, PackageError> {
        layout.add(&EntryName::parse(name).unwrap().unwrap(), kind)
    }

    #[test]
    fn directories_are_made_once() {
        let mut layout = Layout::new();
        assert_eq!(add(&mut layout, "a/b/f", FILE), Ok(0));
        assert_eq!(add(&mut layout, "a/b", Type::Directory), Ok(2));
        assert_eq!(add(&mut layout, "a/c", Type::Directory), Ok(1));
        assert_eq!(add(&mut layout, "a/b/f", FILE), Ok(2));
        assert_eq!(layout.nodes, 4);
    }

    #[test]
    fn nothing_turns_into_something_else() {
        let kinds = [
            ("directory", Type::Directory),
            ("file", FILE),
            ("link", Type::Link),
        ];
        for (first, before) in kinds {
            for (second, after) in kinds {
                let mut layout = Layout::new();
                add(&mut layout, "x", before).unwrap();
                let fits = before == after && before != Type::Link;
                assert_eq!(
                    add(&mut layout, "x", after).is_ok(),
                    fits,
                    "{first} then {second}"
                );
            }
            let mut layout = Layout::new();
            add(&mut layout, "x", before).unwrap();
            assert_eq!(
                add(&mut layout, "x/y", FILE).is_ok(),
                before == Type::Directory,
                "below a {first}"
            );
        }
    }

    #[test]
    fn implied_directories_count() {
        let mut layout = Layout::new();
        let deep = |number: usize| format!("{number}{}", "/d".repeat(499));
        for number in 0..MAX_ENTRIES / 500 {
            add(&mut layout, &deep(number), Type::Directory).unwrap();
        }
        assert_eq!(
            add(&mut layout, "one more", FILE),
            Err(PackageError::TooManyEntries)
        );
    }
}
