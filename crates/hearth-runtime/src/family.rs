//! The kinds of runtimes: languages that run on an interpreter of the machine, their versions, and custom runtimes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A managed language, of which one bootstrap serves all versions; or the custom runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// `nodejs20.x` and its like.
    Nodejs,
    /// `python3.11` and its like.
    Python,
    /// `provided.al2023` and its like: the function brings its own bootstrap, which talks to the Runtime API.
    Provided,
}

impl Family {
    /// The family and the wanted version of a runtime identifier, such as `nodejs20.x`.
    /// `None` for a runtime of another language, and for what is no identifier.
    pub fn of(identifier: &str) -> Option<(Self, Version)> {
        if let Some(rest) = identifier.strip_prefix("provided") {
            let major = match rest {
                "" => 1,
                rest => rest.strip_prefix(".al")?.parse().ok()?,
            };
            let version = Version {
                major,
                ..Version::default()
            };
            return Some((Self::Provided, version));
        }
        if let Some(major) = identifier
            .strip_prefix("nodejs")
            .and_then(|rest| rest.strip_suffix(".x"))
        {
            return Some((
                Self::Nodejs,
                Version {
                    major: major.parse().ok()?,
                    minor: 0,
                    patch: 0,
                },
            ));
        }
        let version: Version = identifier.strip_prefix("python")?.parse().ok()?;
        (version.major > 2 && identifier.contains('.')).then_some((Self::Python, version))
    }

    /// The name of the language as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Nodejs => "Node.js",
            Self::Python => "Python",
            Self::Provided => "Amazon Linux",
        }
    }

    /// Whether an interpreter of version `installed` is what a runtime of version `wanted` means:
    /// the same major version for Node.js, the same minor version for Python.
    pub fn matches(self, wanted: Version, installed: Version) -> bool {
        self.release(wanted) == self.release(installed)
    }

    /// The part of a version that an identifier names, such as `20` or `3.11`.
    pub fn release_name(self, version: Version) -> String {
        match self {
            Self::Nodejs | Self::Provided => version.major.to_string(),
            Self::Python => format!("{}.{}", version.major, version.minor),
        }
    }

    pub(crate) fn release(self, version: Version) -> (u16, u16) {
        match self {
            Self::Nodejs | Self::Provided => (version.major, 0),
            Self::Python => (version.major, version.minor),
        }
    }
}

impl fmt::Display for Family {
    /// As at the beginning of a runtime identifier: `nodejs`, `python`, `provided`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nodejs => "nodejs",
            Self::Python => "python",
            Self::Provided => "provided",
        })
    }
}

/// Version of an interpreter. A patch that could not be told without running it is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
    /// The third number.
    pub patch: u16,
}

/// The text does not begin with a version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a version")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    /// Reads `20`, `3.11`, `v20.20.2` or `3.13.0rc2`; what follows the numbers is left out.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut number = || {
            let part = parts.next()?;
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            part[..digits].parse().ok()
        };
        let major = number().ok_or(NotAVersion)?;
        let minor = number().unwrap_or(0);
        Ok(Self {
            major,
            minor,
            patch: number().unwrap_or(0),
        })
    }
}

impl fmt::Display for Version {
    /// Without the patch where it is 0, since that may mean unknown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch == 0 {
            Ok(())
        } else {
            write!(f, ".{}", self.patch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_name_a_family_and_a_version() {
        let of = |identifier| Family::of(identifier).map(|(family, v)| (family, v.major, v.minor));
        assert_eq!(of("nodejs20.x"), Some((Family::Nodejs, 20, 0)));
        assert_eq!(of("python3.11"), Some((Family::Python, 3, 11)));
        assert_eq!(of("provided.al2023"), Some((Family::Provided, 2023, 0)));
        assert_eq!(of("provided"), Some((Family::Provided, 1, 0)));
        for other in [
            "nodejs",
            "nodejs20",
            "nodejs4.3",
            "python",
            "python3",
            "python2.7",
            "provided.alx",
            "java21",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn versions_are_read_as_they_are_found() {
        let read = |text: &str| text.parse::<Version>().map(|version| version.to_string());
        assert_eq!(read("v20.20.2").as_deref(), Ok("20.20.2"));
        assert_eq!(read("3.13.0rc2").as_deref(), Ok("3.13"));
        assert_eq!(read("3.11").as_deref(), Ok("3.11"));
        assert_eq!(read("lts"), Err(NotAVersion));
        assert_eq!(read("99999999.1"), Err(NotAVersion));
    }

    #[test]
    fn a_release_is_what_an_identifier_names() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(Family::Nodejs.matches(version("20"), version("20.3.1")));
        assert!(!Family::Python.matches(version("3.11"), version("3.12.1")));
        assert_eq!(Family::Python.release_name(version("3.11.7")), "3.11");
    }
}
