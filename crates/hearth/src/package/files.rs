//! Which files of a folder belong to its package.
//!
//! A data directory of a server's never does, whatever its name, whosever it is and whatever the rules say: whoever has
//! the code would have its keys.
//!
//! Otherwise, in this order, the first rule that says something decides:
//! 1. `.hearthignore`, in the folder and below, with the syntax of `.gitignore`;
//! 2. what no function needs is left out: version control, caches and virtual environments of Python, Hearth's
//!    own state and the ignore files themselves;
//! 3. `.gitignore`, in the folder and below, except for `node_modules` and what is in it: a repository leaves
//!    dependencies out, but the function needs them.
//!
//! An ignored folder is not entered, so nothing in it can come back. Ignore files above the folder do not
//! count: whoever deploys a build's output means it, although the repository ignores it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use hearth_sandbox::{is_data_directory, is_in_data_directory};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::PackageError;

const HEARTHIGNORE: &str = ".hearthignore";
const GITIGNORE: &str = ".gitignore";
const DEPENDENCIES: &str = "node_modules";
const NEVER: [&str; 10] = [
    ".git",
    ".gitignore",
    ".hg",
    ".svn",
    ".hearth",
    HEARTHIGNORE,
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".DS_Store",
];
/// What a folder holds that is a virtual environment of Python.
const VIRTUAL_ENVIRONMENT: &str = "pyvenv.cfg";

/// A file or link that belongs to the package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Its path below the folder, with `/` between the parts.
    pub(crate) name: String,
    pub(crate) content: Content,
}

/// What is at an [`Entry`]'s place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    File {
        executable: bool,
        bytes: u64,
    },
    /// A symbolic link to somewhere else in the folder.
    Link {
        target: String,
    },
}

/// What is in a folder.
pub(crate) struct Files {
    /// The files and links that belong to its package, sorted by name.
    pub(crate) entries: Vec<Entry>,
    /// Data directories that no rule leaves out, sorted.
    pub(crate) left_out: Vec<PathBuf>,
}

/// Finds what of `root` belongs to its package.
pub(crate) fn files(root: &Path) -> Result<Files, PackageError> {
    let real = root.canonicalize().map_err(PackageError::unreadable(root))?;
    if is_in_data_directory(&real) {
        return Err(PackageError::DataDirectory {
            path: root.to_owned(),
        });
    }
    let mut walk = Walk {
        root,
        rules: Vec::new(),
        found: Files {
            entries: Vec::new(),
            left_out: Vec::new(),
        },
    };
    walk.enter(root, false)?;
    walk.found.entries.sort();
    walk.found.left_out.sort();
    Ok(walk.found)
}

/// The ignore files of one folder on the way down.
struct Rules {
    hearth: Gitignore,
    git: Gitignore,
}

struct Walk<'a> {
    root: &'a Path,
    rules: Vec<Rules>,
    found: Files,
}

impl Walk<'_> {
    fn enter(&mut self, folder: &Path, dependency: bool) -> Result<(), PackageError> {
        let hearth = read_rules(folder, HEARTHIGNORE)?;
        let git = if dependency {
            Gitignore::empty()
        } else {
            read_rules(folder, GITIGNORE)?
        };
        self.rules.push(Rules { hearth, git });
        for item in fs::read_dir(folder).map_err(PackageError::unreadable(folder))? {
            let item = item.map_err(PackageError::unreadable(folder))?;
            self.visit(&item.path(), dependency || item.file_name() == DEPENDENCIES)?;
        }
        self.rules.pop();
        Ok(())
    }

    fn visit(&mut self, path: &Path, dependency: bool) -> Result<(), PackageError> {
        let metadata = fs::symlink_metadata(path).map_err(PackageError::unreadable(path))?;
        if self.ignored(path, metadata.is_dir(), dependency) {
            return Ok(());
        }
        if metadata.is_dir() && is_data_directory(path) {
            self.found.left_out.push(path.to_owned());
            return Ok(());
        }
        let content = if metadata.is_dir() {
            return self.enter(path, dependency);
        } else if metadata.is_file() {
            Content::File {
                executable: metadata.permissions().mode() & 0o100 != 0,
                bytes: metadata.len(),
            }
        } else if metadata.is_symlink() {
            Content::Link {
                target: self.target(path)?,
            }
        } else {
            return Ok(()); // a socket, pipe or device is nothing to deploy
        };
        let below = path
            .strip_prefix(self.root)
            .expect("the walk stays below its root");
        self.found.entries.push(Entry {
            name: utf8(below)?,
            content,
        });
        Ok(())
    }

    fn ignored(&self, path: &Path, folder: bool, dependency: bool) -> bool {
        let name = path.file_name().unwrap_or_default();
        let never =
            || NEVER.iter().any(|never| name == *never) || folder && path.join(VIRTUAL_ENVIRONMENT).exists();
        let git = || !dependency && self.verdict(path, folder, |rules| &rules.git).unwrap_or(false);
        self.verdict(path, folder, |rules| &rules.hearth)
            .unwrap_or_else(|| never() || git())
    }

    /// What the nearest ignore file that says something says: whether to leave `path` out.
    fn verdict(&self, path: &Path, folder: bool, which: fn(&Rules) -> &Gitignore) -> Option<bool> {
        self.rules
            .iter()
            .rev()
            .find_map(|rules| match which(rules).matched(path, folder) {
                Match::None => None,
                Match::Ignore(_) => Some(true),
                Match::Whitelist(_) => Some(false),
            })
    }

    /// Where a link points, if that is inside the folder.
    fn target(&self, path: &Path) -> Result<String, PackageError> {
        let target = fs::read_link(path).map_err(PackageError::unreadable(path))?;
        let below = path
            .strip_prefix(self.root)
            .expect("the walk stays below its root");
        if stays_inside(below.parent().unwrap_or_else(|| Path::new("")), &target) {
            utf8(&target)
        } else {
            Err(PackageError::LinkOutside {
                path: path.to_owned(),
                target,
            })
        }
    }
}

/// Whether a link in `folder` (a path below the root) to `target` never leaves the root on its way.
fn stays_inside(folder: &Path, target: &Path) -> bool {
    let mut depth = folder.components().count();
    target.components().all(|component| match component {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => match depth.checked_sub(1) {
            Some(less) => {
                depth = less;
                true
            }
            None => false,
        },
        Component::RootDir | Component::Prefix(_) => false,
    })
}

fn read_rules(folder: &Path, name: &str) -> Result<Gitignore, PackageError> {
    let path = folder.join(name);
    if !path.is_file() {
        return Ok(Gitignore::empty());
    }
    let mut builder = GitignoreBuilder::new(folder);
    let failed = |source| PackageError::Patterns {
        path: path.clone(),
        source,
    };
    builder.add(&path).map_or(Ok(()), |error| Err(failed(error)))?;
    builder.build().map_err(failed)
}

fn utf8(path: &Path) -> Result<String, PackageError> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| PackageError::Name {
            path: PathBuf::from(path),
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn names(root: &tempfile::TempDir) -> Vec<String> {
        files(root.path())
            .unwrap()
            .entries
            .into_iter()
            .map(|entry| entry.name)
            .collect()
    }

    #[test]
    fn dependencies_are_packed_although_git_ignores_them() {
        let root = folder(&[
            (".gitignore", "node_modules/\n*.log\nbuild"),
            ("index.mjs", ""),
            ("debug.log", ""),
            ("build/x.js", ""),
            ("node_modules/a/index.js", ""),
            ("node_modules/a/build/x.js", ""),
            ("node_modules/a/.gitignore", "index.js"),
        ]);
        assert_eq!(
            names(&root),
            [
                "index.mjs",
                "node_modules/a/build/x.js",
                "node_modules/a/index.js"
            ]
        );
    }

    #[test]
    fn hearthignore_has_the_last_word() {
        let root = folder(&[
            (".gitignore", "*.json"),
            (
                ".hearthignore",
                "node_modules/aws-sdk\n!model.json\n!.DS_Store\ntest/",
            ),
            ("index.js", ""),
            ("model.json", ""),
            ("other.json", ""),
            (".DS_Store", ""),
            ("test/t.js", ""),
            ("node_modules/aws-sdk/index.js", ""),
            ("node_modules/b/index.js", ""),
        ]);
        assert_eq!(
            names(&root),
            [".DS_Store", "index.js", "model.json", "node_modules/b/index.js"]
        );
    }

    #[test]
    fn ignore_files_below_count_for_their_folder() {
        let root = folder(&[("a/.gitignore", "x"), ("a/x", ""), ("a/y", ""), ("b/x", "")]);
        assert_eq!(names(&root), ["a/y", "b/x"]);
    }

    #[test]
    fn what_no_function_needs_is_left_out() {
        let root = folder(&[
            ("app.py", ""),
            (".git/HEAD", ""),
            ("__pycache__/app.pyc", ""),
            ("lib/__pycache__/x.pyc", ""),
            ("env/pyvenv.cfg", ""),
            ("env/bin/python", ""),
            (".hearth/state.db", ""),
        ]);
        assert_eq!(names(&root), ["app.py"]);
    }

    #[test]
    fn no_rule_brings_a_data_directory_in() {
        let root = folder(&[
            (".hearthignore", "!.hearth\n!data\n!seal.key\nlisted"),
            ("app.py", ""),
            ("keys/app.key", ""),
        ]);
        let data = [".hearth", "data", "deep/any name", "listed", "node_modules/x"];
        for data in data.map(|data| root.path().join(data)) {
            fs::create_dir_all(&data).unwrap();
            hearth_iam::Sealer::open(&data.join("keys")).unwrap();
            fs::write(data.join("state.db"), "").unwrap();
        }
        let found = files(root.path()).unwrap();
        let told = [".hearth", "data", "deep/any name", "node_modules/x"];
        assert_eq!(found.left_out, told.map(|data| root.path().join(data)));
        assert_eq!(names(&root), ["app.py", "keys/app.key"]);
        for inside in ["data", "data/keys"] {
            let refused = files(&root.path().join(inside));
            assert!(
                matches!(refused, Err(PackageError::DataDirectory { .. })),
                "{inside}"
            );
        }
    }

    #[test]
    fn links_stay_links_and_stay_inside() {
        let root = folder(&[("node_modules/a/cli.js", "")]);
        fs::create_dir(root.path().join("node_modules/.bin")).unwrap();
        symlink("../a/cli.js", root.path().join("node_modules/.bin/a")).unwrap();
        let found = files(root.path()).unwrap().entries;
        assert_eq!(found[0].name, "node_modules/.bin/a");
        assert_eq!(
            found[0].content,
            Content::Link {
                target: "../a/cli.js".into()
            }
        );

        for outside in ["/etc/passwd", "../x", "node_modules/../../x"] {
            let link = root.path().join("link");
            symlink(outside, &link).unwrap();
            assert!(
                matches!(files(root.path()), Err(PackageError::LinkOutside { .. })),
                "{outside}"
            );
            fs::remove_file(link).unwrap();
        }
    }

    proptest! {
        #[test]
        fn any_ignore_file_is_read_or_refused(text in "[ -~\n]{0,80}") {
            let root = folder(&[(".hearthignore", &text), (".gitignore", &text), ("a/b.c", "")]);
            let _ = files(root.path());
        }

        #[test]
        fn a_link_inside_never_resolves_outside(target in "(\\.\\./|a/|\\./|/){0,6}b?") {
            let folder = Path::new("x/y");
            let inside = stays_inside(folder, Path::new(&target));
            let mut depth = 2i32;
            let mut lowest = 2i32;
            for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
                depth += if part == ".." { -1 } else { 1 };
                lowest = lowest.min(depth);
            }
            prop_assert_eq!(inside, lowest >= 0 && !target.starts_with('/'));
        }
    }
}
