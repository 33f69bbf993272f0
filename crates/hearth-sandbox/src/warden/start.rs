//! From the launcher's record to a warden that can work.

use std::io;

use rustix::process::{Resource, Rlimit};

use super::events::Events;
use super::outbox::Outbox;
use super::runtimes::Runtimes;
use super::users::Users;
use super::{BTreeMap, Warden};
use crate::launcher::{WardenManifest, read_manifest};
use crate::sys::{self, Alone};

impl Warden {
    /// Reads the record, locks the process in and makes everything that environments share.
    pub(super) fn start() -> io::Result<Self> {
        let manifest: WardenManifest = read_manifest()?;
        let alone = Alone::confirm()?;
        rustix::thread::set_name(c"hearth-warden")?;
        // Service managers send these to every process they know. The warden ends when the server does.
        sys::ignore_ending_signals();
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        allow_many_descriptors();
        let bounds = manifest.tier.bounds(manifest.mark, manifest.cpu)?;
        let ground = manifest.tier.ground(&alone, &manifest)?;
        let events = Events::watch(&manifest.server.0)?;
        let launcher = manifest.folders.map(|launcher| launcher.0);
        if let Some(launcher) = &launcher {
            events.add_launcher(launcher)?;
        }
        Ok(Self {
            alone,
            events,
            server: manifest.server.0,
            server_is_there: true,
            outbox: Outbox::default(),
            bounds,
            ground,
            runtimes: Runtimes::read(manifest.runtimes)?,
            launcher,
            users: Users::new(manifest.environments),
            environments: BTreeMap::new(),
            remains: Vec::new(),
            last_id: 0,
        })
    }
}

/// Every environment takes a handful of descriptors.
fn allow_many_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    // Raising the soft limit as far as the hard one needs no privilege.
    let _ = rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
}
