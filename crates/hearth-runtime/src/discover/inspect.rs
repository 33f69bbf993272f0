//! What a program is: family, version and prefix.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use super::InstalledRuntime;
use crate::family::{Family, Version};

/// The path does not lead to an interpreter that can be put into a sandbox.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum NotAnInterpreter {
    /// Nothing is there, or it cannot be read.
    #[error("no such program")]
    Missing,
    /// A script, such as the shims of version managers: it finds nothing inside a sandbox.
    #[error("a script, not a program; name the interpreter itself")]
    Script,
    /// The file's name is neither `node` nor `python3.N`.
    #[error("neither node nor python3")]
    Name,
    /// What belongs to the program is not where it should be.
    #[error("not in the bin folder of a complete installation")]
    Prefix,
    /// The program does not say its version.
    #[error("its version cannot be told")]
    Version,
}

/// Finds out what program a path leads to, and where it was installed.
pub(super) fn inspect(path: &Path) -> Result<InstalledRuntime, NotAnInterpreter> {
    let executable = path.canonicalize().map_err(|_| NotAnInterpreter::Missing)?;
    if !is_elf(&executable) {
        return Err(NotAnInterpreter::Script);
    }
    let name = executable
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or(NotAnInterpreter::Name)?;
    let prefix = prefix(&executable).ok_or(NotAnInterpreter::Prefix)?;
    let (family, version) = match name.strip_prefix("python") {
        Some(number) => (Family::Python, python(&executable, prefix, number)?),
        None if matches!(name, "node" | "nodejs") => (Family::Nodejs, node(&executable, prefix)?),
        None => return Err(NotAnInterpreter::Name),
    };
    let executable_in_prefix = Path::new("bin").join(name);
    Ok(InstalledRuntime {
        family,
        version,
        prefix: prefix.to_owned(),
        executable,
        executable_in_prefix,
    })
}

fn is_elf(path: &Path) -> bool {
    let mut start = [0; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok()
        && start == *b"\x7fELF"
}

fn prefix(executable: &Path) -> Option<&Path> {
    let folder = executable.parent()?;
    folder.ends_with("bin").then(|| folder.parent())?
}

fn node(executable: &Path, prefix: &Path) -> Result<Version, NotAnInterpreter> {
    let header = fs::read_to_string(prefix.join("include/node/node_version.h"));
    header
        .ok()
        .and_then(|header| node_version(&header))
        .or_else(|| version_in_names(prefix))
        .or_else(|| ask(executable, &["--version"]))
        .ok_or(NotAnInterpreter::Version)
}

/// Reads the numbers of `node_version.h`.
fn node_version(header: &str) -> Option<Version> {
    let number = |part: &str| {
        let name = format!("NODE_{part}_VERSION");
        let mut lines = header.lines().map(str::split_whitespace);
        let mut line = lines.find(|words| words.clone().nth(1) == Some(name.as_str()))?;
        line.nth(2)?.parse().ok()
    };
    Some(Version {
        major: number("MAJOR")?,
        minor: number("MINOR")?,
        patch: number("PATCH")?,
    })
}

/// A Python needs its library beside it; a patch number comes along where a folder's name tells one.
fn python(executable: &Path, prefix: &Path, number: &str) -> Result<Version, NotAnInterpreter> {
    let named = number.contains('.').then(|| number.parse().ok()).flatten();
    let version: Version = named
        .or_else(|| ask(executable, &["-I", "-S", "--version"]))
        .ok_or(NotAnInterpreter::Version)?;
    let library = format!("python{}", Family::Python.release_name(version));
    if !["lib", "lib64"]
        .iter()
        .any(|lib| prefix.join(lib).join(&library).join("os.py").is_file())
    {
        return Err(NotAnInterpreter::Prefix);
    }
    let exact = version_in_names(prefix).filter(|exact| Family::Python.matches(version, *exact));
    Ok(exact.unwrap_or(version))
}

/// The version in a name such as `20.1.0`, `v20.1.0`, `node-v20.1.0-linux-x64` or `cpython-3.11.7-linux`,
/// of the prefix or of the folder above it.
fn version_in_names(prefix: &Path) -> Option<Version> {
    prefix
        .ancestors()
        .take(2)
        .filter_map(|folder| folder.file_name()?.to_str())
        .find_map(version_in_name)
}

fn version_in_name(name: &str) -> Option<Version> {
    let mut words = name.split(['-', '_', '+']);
    words
        .find(|word| word.matches('.').count() == 2)
        .and_then(|word| word.parse().ok())
}

/// Runs the program to learn its version, with none of this process's variables.
fn ask(executable: &Path, arguments: &[&str]) -> Option<Version> {
    let output = Command::new(executable)
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .last()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    /// An installation that looks right from outside.
    fn install(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "\x7fELF and more").unwrap();
        }
    }

    fn version(path: PathBuf) -> Result<String, NotAnInterpreter> {
        inspect(&path).map(|found| found.version.to_string())
    }

    #[test]
    fn a_header_tells_nodes_version() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), &["bin/node", "include/node/node_version.h"]);
        let header =
            "#define NODE_MAJOR_VERSION 20\n#define NODE_MINOR_VERSION 1\n#define NODE_PATCH_VERSION 7\n";
        fs::write(root.path().join("include/node/node_version.h"), header).unwrap();
        symlink(root.path().join("bin/node"), root.path().join("elsewhere")).unwrap();

        let found = inspect(&root.path().join("elsewhere")).unwrap();
        assert_eq!(
            (found.family, found.version.to_string()),
            (Family::Nodejs, "20.1.7".to_owned())
        );
        assert_eq!(found.prefix, root.path().canonicalize().unwrap());
        assert_eq!(found.executable_in_prefix, Path::new("bin/node"));
    }

    #[test]
    fn folders_tell_versions() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path();
        let library = "lib/python3.11/os.py";
        let python = format!("cpython-3.11.7-linux-x86_64-gnu/{library}");
        let odd = format!("3.10.2/{library}");
        install(
            path,
            &["node-v22.1.4-linux-x64/bin/node", "v18.3.5/installation/bin/node"],
        );
        install(
            path,
            &[
                "cpython-3.11.7-linux-x86_64-gnu/bin/python3.11",
                &python,
                "3.10.2/bin/python3.11",
                &odd,
            ],
        );

        assert_eq!(
            version(path.join("node-v22.1.4-linux-x64/bin/node")).as_deref(),
            Ok("22.1.4")
        );
        assert_eq!(
            version(path.join("v18.3.5/installation/bin/node")).as_deref(),
            Ok("18.3.5")
        );
        assert_eq!(
            version(path.join("cpython-3.11.7-linux-x86_64-gnu/bin/python3.11")).as_deref(),
            Ok("3.11.7")
        );
        // A folder that names another release is not believed.
        assert_eq!(version(path.join("3.10.2/bin/python3.11")).as_deref(), Ok("3.11"));
    }

    #[test]
    fn what_cannot_enter_a_sandbox_is_refused() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), &["bin/python3.11", "bin/volta-shim", "sbin/node"]);
        fs::write(root.path().join("bin/node"), "#!/bin/sh\n").unwrap();
        let inspect = |file: &str| version(root.path().join(file)).unwrap_err();
        assert_eq!(inspect("bin/python3.11"), NotAnInterpreter::Prefix);
        assert_eq!(inspect("bin/volta-shim"), NotAnInterpreter::Name);
        assert_eq!(inspect("bin/node"), NotAnInterpreter::Script);
        assert_eq!(inspect("sbin/node"), NotAnInterpreter::Prefix);
        assert_eq!(inspect("bin/absent"), NotAnInterpreter::Missing);
    }
}
