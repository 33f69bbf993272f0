//! From the launcher's record to a warden that can work.

use std::fs::File;
use std::io;

use rustix::process::{Resource, Rlimit};

use super::events::Events;
use super::folders::Folders;
use super::outbox::Outbox;
use super::runtimes::Runtimes;
use super::users::Users;
use super::{BTreeMap, Identity, Warden, complain};
use crate::isolation::network::Networks;
use crate::isolation::privileges;
use crate::isolation::tier::open_proc;
use crate::isolation::world::{self, Shown};
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
        let tier = manifest.tier;
        let bounds = tier.bounds(manifest.mark, manifest.cpu)?;
        let owners = tier.owners(&alone, manifest.code_owner).and_then(|owners| {
            owners
                .inspect_err(|error| complain(&format_args!("functions see who owns their code: {error}")))
                .ok()
        });
        let runtimes = manifest.runtimes.iter();
        let shown: Vec<Shown<'_>> = runtimes
            .map(|runtime| Shown {
                prefix: &runtime.prefix.0,
                bootstrap: &runtime.bootstrap,
            })
            .collect();
        world::enter(&manifest.base, &shown, &manifest.code.0)?;
        let networks = Networks::leave_host()?;
        privileges::seal()?;
        privileges::keep_wardens(tier.capabilities())?;
        let events = Events::watch(&manifest.server.0)?;
        let launcher = manifest.folders.map(|launcher| launcher.0);
        if let Some(launcher) = &launcher {
            events.add_launcher(launcher)?;
        }
        let first = manifest.environments.first;
        Ok(Self {
            alone,
            tier,
            proc: open_proc()?,
            events,
            server: manifest.server.0,
            server_is_there: true,
            outbox: Outbox::default(),
            bounds,
            networks,
            filter: tier.filter()?,
            runtimes: Runtimes::read(&manifest.runtimes)?,
            owners,
            folders: Folders::from(launcher),
            home: File::open("/proc/self/ns/mnt")?.into(),
            users: Users::new(manifest.environments),
            keeper: Identity {
                uid: first,
                gid: first,
            },
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
