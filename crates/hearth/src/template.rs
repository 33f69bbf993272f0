//! The functions that `hearth init` writes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

/// A small function in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// Node.js
    Nodejs,
    /// Python
    Python,
    /// Rust, as a program of its own
    Rust,
    /// A shell script
    Shell,
}

/// A file of a template.
struct File {
    name: &'static str,
    text: &'static str,
    mode: u32,
}

/// Why a template is not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    /// What is there may be somebody's work.
    #[error("{} is there already; nothing was written", .0.display())]
    Exists(PathBuf),
    #[error("{} is no folder, so nothing was written into it", .0.display())]
    NotAFolder(PathBuf),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Names a file of `templates/`, and the name it gets: cargo would take a Cargo.toml in there for a package.
macro_rules! file {
    ($template:literal, $name:literal) => {
        file!($template, $name, $name, 0o644)
    };
    ($template:literal, $name:literal, $stored:literal, $mode:literal) => {
        File {
            name: $name,
            text: include_str!(concat!("../../../templates/", $template, "/", $stored)),
            mode: $mode,
        }
    };
}

impl Template {
    fn files(self) -> &'static [File] {
        match self {
            Self::Nodejs => &[
                file!("nodejs", "index.mjs"),
                file!("nodejs", "package.json"),
                file!("nodejs", "event.json"),
                file!("nodejs", "README.md"),
            ],
            Self::Python => &[
                file!("python", "app.py"),
                file!("python", "event.json"),
                file!("python", "README.md"),
            ],
            Self::Rust => &[
                file!("rust", "Cargo.toml", "Cargo.toml.txt", 0o644),
                file!("rust", "src/main.rs"),
                file!("rust", ".gitignore", "gitignore", 0o644),
                file!("rust", ".hearthignore", "hearthignore", 0o644),
                file!("rust", "event.json"),
                file!("rust", "README.md"),
            ],
            Self::Shell => &[
                file!("shell", "bootstrap", "bootstrap", 0o755),
                file!("shell", "handler.sh"),
                file!("shell", "event.json"),
                file!("shell", "README.md"),
            ],
        }
    }

    /// What has to be run in the folder before it can be deployed.
    pub(crate) fn build(self) -> Option<&'static str> {
        (self == Self::Rust).then_some("cargo build --release && cp -f target/release/bootstrap .")
    }
}

/// Writes a template into a folder and returns the names of its files. Where one of them is there already, nothing is
/// written.
pub(crate) fn write(
    folder: &Path,
    template: Template,
) -> Result<impl Iterator<Item = &'static str>, TemplateError> {
    // Its folders are made where they are missing, and cannot be below a file.
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok());
    if let Some(path) = there.filter(|path| !path.is_dir()) {
        return Err(TemplateError::NotAFolder(path.to_owned()));
    }
    let files = template.files();
    let taken = files.iter().map(|file| folder.join(file.name));
    if let Some(path) = taken.into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(TemplateError::Exists(path));
    }
    for file in files {
        let path = folder.join(file.name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            let mut options = OpenOptions::new();
            let mut created = options.write(true).create_new(true).mode(file.mode).open(&path)?;
            created.write_all(file.text.as_bytes())
        });
        written.map_err(|source| TemplateError::Io { path, source })?;
    }
    Ok(files.iter().map(|file| file.name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::project::{Hints, Project};

    #[test]
    fn every_template_is_a_function() {
        for template in Template::value_variants() {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("new");
            let names: Vec<_> = write(&folder, *template).unwrap().collect();
            assert!(
                names.contains(&"README.md") && names.contains(&"event.json"),
                "{template:?}"
            );
            let event = fs::read(folder.join("event.json")).unwrap();
            serde_json::from_slice::<serde_json::Value>(&event).unwrap();
            if template.build().is_some() {
                fs::write(folder.join("bootstrap"), "#!/bin/sh\n").unwrap();
                fs::set_permissions(folder.join("bootstrap"), fs::Permissions::from_mode(0o755)).unwrap();
            }
            Project::recognise(&folder, &Hints::default()).unwrap();
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.py");
        fs::write(&file, "theirs").unwrap();
        for named in [file.clone(), file.join("below")] {
            let refused = write(&named, Template::Shell).err().unwrap();
            assert!(refused.to_string().contains("app.py is no folder"), "{refused}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("event.json");
        fs::write(&theirs, "theirs").unwrap();
        let refused = write(folder.path(), Template::Nodejs).err().unwrap();
        assert!(
            refused.to_string().contains("event.json is there already"),
            "{refused}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    }
}
