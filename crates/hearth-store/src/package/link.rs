//! Where symbolic links may point.

use super::name::EntryName;
use super::{MAX_NAME, PackageError};

/// Refuses a link that could lead out of the package.
///
/// A target may go up first and then only down: `../lib/x`, but not `lib/../x`, for a step up behind a name
/// would start wherever that name leads if it is a link itself. Since the directory a link is in is never a link,
/// counting its steps up against its depth is exact, and so no chain of links leaves the package either.
pub(super) fn check(name: &EntryName, target: &str) -> Result<(), PackageError> {
    let depth = name.components().count() - 1;
    if stays_below(depth, target) {
        Ok(())
    } else {
        let target = target.chars().take(MAX_NAME).collect();
        Err(PackageError::UnsafeLink {
            name: name.as_str().to_owned(),
            target,
        })
    }
}

fn stays_below(depth: usize, target: &str) -> bool {
    if target.is_empty() || target.len() > MAX_NAME || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let mut steps = target
        .split('/')
        .filter(|step| !matches!(*step, "" | "."))
        .peekable();
    let mut up = 0;
    while steps.next_if_eq(&"..").is_some() {
        up += 1;
    }
    up <= depth && steps.all(|step| step != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_go_up_within_the_package_and_then_down() {
        for (depth, target) in [
            (0, "a"),
            (0, "./a/b"),
            (0, "."),
            (1, "../a"),
            (1, ".."),
            (2, "../../a"),
            (2, "./..//../a/./b"),
        ] {
            assert!(stays_below(depth, target), "{depth} {target}");
        }
        for (depth, target) in [
            (0, ""),
            (0, "/a"),
            (0, ".."),
            (0, "a/../b"),
            (1, "../../a"),
            (2, "a/.."),
            (1, "../a/../.."),
            (0, "a\0"),
        ] {
            assert!(!stays_below(depth, target), "{depth} {target:?}");
        }
    }
}
