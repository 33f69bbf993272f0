//! The records the launcher starts the other two processes with.

use std::os::fd::{AsRawFd, RawFd};

use serde::{Deserialize, Serialize};

use super::{Passed, UserRange};
use crate::isolation::base::Base;
use crate::isolation::cgroup::Mark;
use crate::isolation::limits::CpuPolicy;
use crate::isolation::privileges::Identity;
use crate::isolation::tier::Tier;

/// A record that names descriptors.
pub(crate) trait Manifest: Serialize {
    /// All descriptors in it.
    fn descriptors(&self) -> Vec<RawFd>;
}

/// What the warden knows.
#[derive(Serialize, Deserialize)]
pub(crate) struct WardenManifest {
    /// The socket requests come from.
    pub(crate) server: Passed,
    pub(crate) base: Base,
    /// A view of the unpacked code packages.
    pub(crate) code: Passed,
    /// Whose files the packages are.
    pub(crate) code_owner: Identity,
    /// The socket the launcher shows folders over.
    pub(crate) folders: Option<Passed>,
    pub(crate) runtimes: Vec<RuntimeManifest>,
    pub(crate) environments: UserRange,
    pub(crate) tier: Tier,
    /// [`super::Launch::scratch`].
    pub(crate) scratch: Option<String>,
    pub(crate) cpu: CpuPolicy,
    pub(crate) mark: Mark,
}

/// A runtime; see [`super::Runtime`].
#[derive(Serialize, Deserialize)]
pub(crate) struct RuntimeManifest {
    /// A view of the prefix.
    pub(crate) prefix: Passed,
    pub(crate) executable: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<String>,
    pub(crate) bootstrap: Vec<(String, Vec<u8>)>,
}

/// What the server is started with.
#[derive(Serialize, Deserialize)]
pub(crate) struct ServerManifest {
    /// The socket to the warden.
    pub(crate) warden: Passed,
    /// The socket to ask the launcher for folders over.
    pub(crate) folders: Option<Passed>,
    pub(crate) listeners: Vec<Passed>,
    pub(crate) base: Base,
    /// A view of the data directory.
    pub(crate) data: Passed,
    pub(crate) identity: Identity,
    pub(crate) tier: Tier,
    /// [`super::Launch::scratch`].
    pub(crate) scratch: Option<String>,
    pub(crate) settings: String,
    /// A descriptor that is readable when the launcher has ended.
    pub(crate) launcher: Passed,
}

impl Manifest for WardenManifest {
    fn descriptors(&self) -> Vec<RawFd> {
        let prefixes = self.runtimes.iter().map(|runtime| &runtime.prefix);
        numbers(
            prefixes
                .chain([&self.server, &self.code])
                .chain(&self.folders)
                .chain(parts(&self.base)),
        )
    }
}

impl Manifest for ServerManifest {
    fn descriptors(&self) -> Vec<RawFd> {
        numbers(
            self.listeners
                .iter()
                .chain([&self.warden, &self.data, &self.launcher])
                .chain(&self.folders)
                .chain(parts(&self.base)),
        )
    }
}

fn parts(base: &Base) -> impl Iterator<Item = &Passed> {
    let trees = base.trees.iter().chain(&base.in_etc);
    trees.map(|(_, tree)| tree).chain(&base.etc)
}

fn numbers<'a>(descriptors: impl Iterator<Item = &'a Passed>) -> Vec<RawFd> {
    descriptors.map(|descriptor| descriptor.0.as_raw_fd()).collect()
}
