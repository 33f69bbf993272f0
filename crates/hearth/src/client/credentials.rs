//! Whom requests are signed as.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hearth_iam::{AccessKey, Secret};

/// An access key, and the session it belongs to if it is a temporary one.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) key: AccessKey,
    pub(crate) session_token: Option<String>,
}

/// A credentials file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} has no access key under [{profile}]", path.display())]
    NoProfile { path: PathBuf, profile: String },
}

impl Credentials {
    /// What `hearth dev` takes, like anything else.
    pub(crate) fn dev() -> Self {
        Self::new("test".into(), "test".into(), None)
    }

    /// The first of: `file` (the user's setting), the `AWS_*` variables, `served` (what `hearth serve` wrote
    /// on this machine), [`Self::dev`].
    pub(crate) fn find(file: Option<&Path>, served: &Path) -> Result<Self, CredentialsError> {
        let profile = env::var("AWS_PROFILE").ok();
        if let Some(path) = file {
            return Self::from_file(path, profile.as_deref());
        }
        if let (Ok(id), Ok(secret)) = (env::var("AWS_ACCESS_KEY_ID"), env::var("AWS_SECRET_ACCESS_KEY")) {
            return Ok(Self::new(id, secret, env::var("AWS_SESSION_TOKEN").ok()));
        }
        if let Some(path) = env::var_os("AWS_SHARED_CREDENTIALS_FILE") {
            return Self::from_file(Path::new(&path), profile.as_deref());
        }
        Ok(Self::from_file(served, None).unwrap_or_else(|_| Self::dev()))
    }

    fn from_file(path: &Path, profile: Option<&str>) -> Result<Self, CredentialsError> {
        let unreadable = |source| CredentialsError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, profile).ok_or_else(|| CredentialsError::NoProfile {
            path: path.to_owned(),
            profile: profile.unwrap_or("default").to_owned(),
        })
    }

    /// Reads the profile of an AWS credentials file: the named one, or `default`, or the only one, which
    /// `hearth serve` writes twice: AWS's two kinds of file spell the header of a section differently.
    fn parse(text: &str, profile: Option<&str>) -> Option<Self> {
        let profiles = sections(text);
        let section = match (profile, &profiles[..]) {
            (None, [(name, only), rest @ ..]) if rest.iter().all(|(other, _)| other == name) => only,
            _ => {
                &profiles
                    .iter()
                    .find(|(name, _)| *name == profile.unwrap_or("default"))?
                    .1
            }
        };
        let value = |wanted| {
            section
                .iter()
                .find(|(key, _)| *key == wanted)
                .map(|(_, value)| (*value).to_owned())
        };
        let token = value("aws_session_token");
        Some(Self::new(
            value("aws_access_key_id")?,
            value("aws_secret_access_key")?,
            token,
        ))
    }

    fn new(id: String, secret: String, session_token: Option<String>) -> Self {
        Self {
            key: AccessKey {
                id,
                secret: Secret::new(secret),
            },
            session_token,
        }
    }
}

type Section<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// The sections of an INI file; what stands before the first one is dropped.
fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', ';']))
    {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let name = name.trim();
            sections.push((name.strip_prefix("profile ").unwrap_or(name).trim(), Vec::new()));
        } else if let (Some((key, value)), Some((_, entries))) = (line.split_once('='), sections.last_mut()) {
            entries.push((key.trim(), value.trim()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "# written by hand\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n\
        [profile temporary]\naws_access_key_id = C\naws_secret_access_key = D=\naws_session_token = E\n";

    #[test]
    fn the_profile_is_found() {
        let default = Credentials::parse(FILE, None).unwrap();
        assert_eq!((default.key.id.as_str(), default.key.secret.reveal()), ("A", "B"));
        let temporary = Credentials::parse(FILE, Some("temporary")).unwrap();
        assert_eq!(
            (temporary.key.secret.reveal(), temporary.session_token.as_deref()),
            ("D=", Some("E"))
        );
        assert!(Credentials::parse(FILE, Some("other")).is_none());
        let only = "[hearth]\naws_access_key_id = A\naws_secret_access_key = B";
        assert!(Credentials::parse(only, None).is_some());
        let twice = format!("[profile hearth]{}\n{only}", only.trim_start_matches("[hearth]"));
        assert!(Credentials::parse(&twice, None).is_some());
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(text in "([a-z_]{0,5}[\\[\\]= #\n]){0,20}") {
            let _ = Credentials::parse(&text, None);
        }
    }
}
