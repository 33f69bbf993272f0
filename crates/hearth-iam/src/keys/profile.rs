//! The profile file: what AWS's tools and libraries need to know to talk to this server.

use std::io;
use std::path::Path;

use hearth_types::Region;
use zeroize::Zeroizing;

use super::AccessKey;
use crate::owner_only;

/// The name of the profile.
pub const NAME: &str = "hearth";

/// Writes the profile in place of an older one, readable by the owner only. The file serves as
/// `AWS_CONFIG_FILE` and as `AWS_SHARED_CREDENTIALS_FILE`.
pub fn write(path: &Path, key: &AccessKey, endpoint: &str, region: &Region) -> io::Result<()> {
    let (id, secret) = (&key.id, key.secret.reveal());
    let settings = Zeroizing::new(format!(
        "region = {region}\nendpoint_url = {endpoint}\n\
         aws_access_key_id = {id}\naws_secret_access_key = {secret}\n"
    ));
    // The two kinds of file spell the header of a section differently and pass over the other spelling.
    let text = Zeroizing::new(format!("[profile {NAME}]\n{0}\n[{NAME}]\n{0}", *settings));
    owner_only::replace(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_is_private_and_has_both_spellings() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("profile");
        let key = AccessKey::lasting();
        for endpoint in ["http://127.0.0.1:1", "http://127.0.0.1:4566"] {
            write(&path, &key, endpoint, &Region::default()).unwrap();
        }
        let section = format!(
            "region = us-east-1\nendpoint_url = http://127.0.0.1:4566\n\
             aws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.id,
            key.secret.reveal()
        );
        let expected = format!("[profile hearth]\n{section}\n[hearth]\n{section}");
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
