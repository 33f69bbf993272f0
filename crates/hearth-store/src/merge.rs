//! Several trees as one, the later ones on top: what unpacking them in order into one directory would give.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::Path;

use crate::files;

/// Puts everything of a tree onto another one; answers how many entries it has. Files become further names of the
/// same files where the file system allows it, and copies where it does not.
///
/// Nothing is written through a link: one in the way of a directory is replaced.
pub(crate) fn put_onto(tree: &Path, below: &Path) -> io::Result<usize> {
    make_directory(below)?;
    let mut entries = 0;
    for entry in fs::read_dir(tree)? {
        let entry = entry?;
        let (from, to) = (entry.path(), below.join(entry.file_name()));
        let found = entry.file_type()?;
        entries += 1;
        if found.is_dir() {
            entries += put_onto(&from, &to)?;
        } else {
            files::remove(&to)?;
            if found.is_symlink() {
                symlink(fs::read_link(&from)?, &to)?;
            } else if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to)?;
            }
        }
    }
    Ok(entries)
}

/// Makes a directory that everybody may enter, in the place of whatever else is there.
fn make_directory(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::DirBuilder::new().mode(0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a tree: names that end in `/` are directories, contents that begin with `-> ` links.
    fn tree(root: &Path, entries: &[(&str, &str)]) {
        fs::create_dir_all(root).unwrap();
        for (name, content) in entries {
            let path = root.join(name.trim_end_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("-> ") {
                Some(target) => symlink(target, path).unwrap(),
                None if name.ends_with('/') => fs::create_dir_all(path).unwrap(),
                None => fs::write(path, content).unwrap(),
            }
        }
    }

    #[test]
    fn later_trees_lie_on_top() {
        let root = tempfile::tempdir().unwrap();
        let [one, two, merged] = ["one", "two", "merged"].map(|name| root.path().join(name));
        tree(&one, &[("a", "1"), ("both", "1"), ("d/x", "1"), ("d/both", "1")]);
        tree(
            &two,
            &[
                ("b", "2"),
                ("both", "2"),
                ("d/y", "2"),
                ("d/both", "2"),
                ("empty/", ""),
            ],
        );
        fs::set_permissions(two.join("b"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(put_onto(&one, &merged).unwrap(), 5);
        assert_eq!(put_onto(&two, &merged).unwrap(), 6);
        let read = |name: &str| fs::read_to_string(merged.join(name)).unwrap();
        assert_eq!(
            ["a", "b", "both", "d/x", "d/y", "d/both"].map(read),
            ["1", "2", "2", "1", "2", "2"]
        );
        assert!(merged.join("empty").is_dir());
        let mode = fs::metadata(merged.join("b")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        // What was merged is untouched.
        assert_eq!(fs::read_to_string(one.join("both")).unwrap(), "1");
    }

    #[test]
    fn things_of_another_type_give_way() {
        let root = tempfile::tempdir().unwrap();
        let [one, two, merged, outside] =
            ["one", "two", "merged", "outside"].map(|name| root.path().join(name));
        tree(&outside, &[]);
        tree(
            &one,
            &[
                ("file", "1"),
                ("folder/x", "1"),
                ("link", "-> ../outside"),
                ("other", "-> ../outside"),
            ],
        );
        tree(
            &two,
            &[
                ("file/x", "2"),
                ("folder", "2"),
                ("link/x", "2"),
                ("other", "-> file/x"),
            ],
        );
        put_onto(&one, &merged).unwrap();
        put_onto(&two, &merged).unwrap();
        let read = |name: &str| fs::read_to_string(merged.join(name)).unwrap();
        assert_eq!(["file/x", "folder", "link/x", "other"].map(read), ["2"; 4]);
        assert_eq!(
            fs::read_dir(&outside).unwrap().count(),
            0,
            "nothing goes through a link"
        );
    }
}
