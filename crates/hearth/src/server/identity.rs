//! Who may use this node: the authenticator of each mode, and the root access key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use hearth_iam::{KeyRing, Lenient, Sealer, SessionIssuer, Verified, ensure_root, profile};
use hearth_store::Store;
use hearth_types::{AccountId, Region};
use hearth_wire::Authenticator;

use super::guard::LocalOnly;
use crate::failure::Failure;
use crate::launch::Mode;
use crate::settings::PROFILE;

/// What the profile file needs to say.
pub(super) struct Profile<'a> {
    pub(super) data: &'a Path,
    /// The data directory as the user knows it.
    pub(super) outside: &'a Path,
    pub(super) addresses: &'a [SocketAddr],
}

/// Who decides about requests.
pub(super) struct Authenticators {
    /// About those from outside.
    pub(super) outside: Arc<dyn Authenticator>,
    /// About those from environments, once their session is known to be their own.
    pub(super) inside: Arc<Verified>,
}

/// Who decides about requests. The first `serve` on a data directory creates the root access key.
pub(super) async fn authenticators(
    mode: Mode,
    store: &dyn Store,
    sealer: &Sealer,
    sessions: SessionIssuer,
    profile: &Profile<'_>,
) -> Result<Authenticators, Failure> {
    match mode {
        Mode::Dev => Ok(Authenticators {
            outside: Arc::new(LocalOnly(Lenient::new(sessions.clone()))),
            inside: Arc::new(Verified::new(KeyRing::default(), sessions)),
        }),
        Mode::Serve => {
            profile.provide(store, sealer).await?;
            let ring = KeyRing::load(store, sealer).await.map_err(Failure::failed)?;
            let verified = Arc::new(Verified::new(ring, sessions));
            Ok(Authenticators {
                outside: Arc::clone(&verified) as Arc<dyn Authenticator>,
                inside: verified,
            })
        }
    }
}

impl Profile<'_> {
    /// Writes the file at every start, since the address may have changed.
    async fn provide(&self, store: &dyn Store, sealer: &Sealer) -> Result<(), Failure> {
        let root = ensure_root(store, sealer, AccountId::DEFAULT)
            .await
            .map_err(Failure::failed)?;
        let endpoint = endpoint(self.addresses);
        profile::write(&self.data.join(PROFILE), &root.key, &endpoint, &Region::default())
            .map_err(|error| Failure::failed(format!("the profile file cannot be written: {error}")))?;
        if root.created {
            let path = self.outside.join(PROFILE);
            eprintln!(
                "created the root access key; the profile in {0}, which only its owner and root can read, has it:\n  \
                 AWS_CONFIG_FILE={0} AWS_PROFILE={1} aws lambda list-functions",
                path.display(),
                profile::NAME
            );
        }
        Ok(())
    }
}

/// The URL by which a client on this machine reaches the node.
fn endpoint(addresses: &[SocketAddr]) -> String {
    let mut address = addresses
        .first()
        .copied()
        .unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_one_that_can_be_connected_to() {
        for (listening, reached) in [
            ("127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("0.0.0.0:4566", "http://127.0.0.1:4566"),
            ("[::]:4566", "http://[::1]:4566"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
        ] {
            assert_eq!(endpoint(&[listening.parse().unwrap()]), reached);
        }
    }
}
