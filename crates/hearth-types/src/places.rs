//! Where an environment finds its own files.

use std::fmt;

/// The places of an environment's files, by the names AWS gives them below a root of the environment's own. Behind
/// walls that root is the whole file system, so they are `/var/task` and so on; where nothing can be mounted, it is a
/// directory of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Nothing, or the path of a directory.
    root: String,
}

impl Places {
    /// Behind walls.
    pub const WALLED: Self = Self { root: String::new() };

    /// Below a directory of the host, an absolute path.
    pub fn below(root: &str) -> Self {
        Self {
            root: root.trim_end_matches('/').to_owned(),
        }
    }

    /// The directory, or nothing behind walls: what stands in front of a path in the environment.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The function's code.
    pub fn task(&self) -> String {
        self.of("/var/task")
    }

    /// The function's layers.
    pub fn layers(&self) -> String {
        self.of("/opt")
    }

    /// The bootstrap of a managed runtime.
    pub fn runtime(&self) -> String {
        self.of("/var/runtime")
    }

    /// Where temporary files belong, if that is not the `/tmp` that every program knows.
    pub fn temporary(&self) -> Option<String> {
        (!self.root.is_empty()).then(|| self.of("/tmp"))
    }

    /// A place that has a name in an environment on AWS.
    pub fn of(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// The same for a path of the function's own choice: what it names of the code and the layers is found there.
    pub fn real(&self, path: &str) -> String {
        let named = ["/var/task", "/opt"].into_iter().any(|place| {
            let below = path.strip_prefix(place);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        });
        if named { self.of(path) } else { path.to_owned() }
    }
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.root.is_empty() { "/" } else { &self.root })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_the_names_of_aws_below_their_root() {
        let walled = Places::WALLED;
        assert_eq!((walled.task().as_str(), walled.temporary()), ("/var/task", None));
        assert_eq!(walled.real("/opt/wrapper"), "/opt/wrapper");
        let below = Places::below("/tmp/hearth/e1/");
        assert_eq!(below.task(), "/tmp/hearth/e1/var/task");
        assert_eq!(below.layers(), "/tmp/hearth/e1/opt");
        assert_eq!(below.temporary().as_deref(), Some("/tmp/hearth/e1/tmp"));
    }

    #[test]
    fn paths_of_code_and_layers_are_found_there() {
        let places = Places::below("/e");
        for (named, real) in [
            ("/opt/wrapper", "/e/opt/wrapper"),
            ("/opt", "/e/opt"),
            ("/var/task/run", "/e/var/task/run"),
            ("/optional", "/optional"),
            ("/usr/bin/env", "/usr/bin/env"),
            ("./run", "./run"),
        ] {
            assert_eq!(places.real(named), real);
        }
    }
}
