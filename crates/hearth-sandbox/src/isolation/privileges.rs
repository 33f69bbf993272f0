//! Giving up what a process may do.

use std::io;

use hearth_types::limits::{OPEN_FILES, PROCESSES};
use rustix::process::{Resource, Rlimit, Signal};
use rustix::thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets, Gid, Uid};

/// A user and a group, neither of them root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}

/// Makes sure that neither this process nor any below it ever gains a privilege again: what it has is all
/// there is, and an exec gives nothing.
pub(crate) fn seal() -> io::Result<()> {
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // The kernel does not know this one.
            Err(rustix::io::Errno::INVAL) => {}
            other => other?,
        }
    }
    rustix::thread::clear_ambient_capability_set()?;
    let bits = CapabilitiesSecureBits::NO_ROOT
        | CapabilitiesSecureBits::NO_ROOT_LOCKED
        | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
    rustix::thread::set_capabilities_secure_bits(bits)?;
    Ok(rustix::thread::set_no_new_privs(true)?)
}

/// What the warden works with once its world is built: making namespaces and mounts, entering those of an
/// environment, furnishing network namespaces, changing users, and reading the server's files.
const WARDEN: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::DAC_OVERRIDE);

/// What is needed before that.
const STARTING: CapabilitySet = WARDEN
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::MKNOD);

/// Those of the capabilities a node is started with that this process lacks, in its user namespace.
pub(crate) fn missing() -> CapabilitySet {
    let held = rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    STARTING - held
}

/// Gives up the capabilities the warden no longer needs, but for these.
pub(crate) fn keep_wardens(others: CapabilitySet) -> io::Result<()> {
    keep(WARDEN | others)
}

/// Gives up all capabilities.
pub(crate) fn keep_none() -> io::Result<()> {
    keep(CapabilitySet::empty())
}

fn keep(capabilities: CapabilitySet) -> io::Result<()> {
    let inheritable = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: capabilities,
        permitted: capabilities,
        inheritable,
    };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Becomes an ordinary user without capabilities, which dies with its parent.
pub(crate) fn become_user(identity: Identity) -> io::Result<()> {
    if identity.uid == 0 || identity.gid == 0 {
        return Err(io::Error::other(
            "without capabilities root still owns every file of root's",
        ));
    }
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    keep_none()?;
    // Every change of user clears this, so it comes last.
    die_with_parent()
}

/// Asks to be killed when the parent ends.
pub(crate) fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(
        Signal::KILL,
    ))?)
}

/// Gives up so much priority that beside one process of whoever started this one it gets a tenth of the CPU.
pub(crate) fn go_after_others() -> io::Result<()> {
    const STEPS: i32 = 10;
    rustix::process::nice(STEPS)?;
    Ok(())
}

/// Lets everybody else on the machine go first, before all processes of this one's user that it can see.
///
/// In an environment where all have the same user that is the environment. It cannot be taken back.
pub(crate) fn stand_back() -> io::Result<()> {
    /// The lowest there is.
    const PRIORITY: i32 = 19;
    // Of number 0 the kernel thinks as of whoever asks.
    rustix::process::setpriority_user(Uid::ROOT, PRIORITY)?;
    Ok(())
}

/// Makes sure that no exec gives this process, or one below it, more rights than it has.
pub(crate) fn gain_nothing() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

/// Becomes the parent of whatever loses its own below this process.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(
        rustix::process::getpid(),
    ))?)
}

/// Sets the resource limits of Lambda in a process of the user who starts Hearth: where that user is allowed less, it
/// stays so, and the number of processes is that of all the user's, so it is left alone.
pub(crate) fn limit_own_resources() -> io::Result<()> {
    for (resource, limit) in RESOURCES {
        let allowed = rustix::process::getrlimit(resource).maximum;
        let limit = Some(allowed.map_or(limit, |allowed| allowed.min(limit)));
        rustix::process::setrlimit(
            resource,
            Rlimit {
                current: limit,
                maximum: limit,
            },
        )?;
    }
    Ok(())
}

/// The limits but for the number of processes.
const RESOURCES: [(Resource, u64); 6] = [
    (Resource::Nofile, OPEN_FILES as u64),
    (Resource::Core, 1),
    (Resource::Stack, 8 << 20),
    (Resource::Memlock, 64 << 10),
    (Resource::Nice, 0),
    (Resource::Rtprio, 0),
];

/// Sets the resource limits of Lambda, and takes what a user may have been allowed: to be served before others.
///
/// Core dumps are the exception, Lambda allows 10 GiB: the kernel may be set to hand them to a program on the
/// host, which it does even for a limit of 0. For a limit of 1 it does not, and it writes no file either,
/// since no dump is that small. The system call filter keeps this limit from being changed.
pub(crate) fn limit_resources() -> io::Result<()> {
    let processes = (Resource::Nproc, u64::from(PROCESSES));
    for (resource, limit) in RESOURCES.into_iter().chain([processes]) {
        rustix::process::setrlimit(
            resource,
            Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            },
        )?;
    }
    Ok(())
}
