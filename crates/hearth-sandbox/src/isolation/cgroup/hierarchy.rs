//! Which control group hierarchies this machine has, and where the own process is in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

/// The resources environments are limited in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controller {
    Memory,
    Cpu,
    Pids,
    /// Stops processes. Version 1 has this too, but a process that it has frozen cannot be killed.
    Freezer,
    /// Measures CPU time, which version 2 always does.
    Accounting,
}

impl Controller {
    /// All of them; the one whose hierarchy says whether a warden lives is first.
    pub(crate) const ALL: [Self; 5] = [
        Self::Memory,
        Self::Cpu,
        Self::Pids,
        Self::Freezer,
        Self::Accounting,
    ];

    /// Every group of version 2 has what this one does.
    pub(crate) fn is_built_in(self) -> bool {
        matches!(self, Self::Freezer | Self::Accounting)
    }

    /// The kernel's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
            Self::Freezer => "freezer",
            Self::Accounting => "cpuacct",
        }
    }
}

/// The two interfaces of control groups. A machine may have both, each with some of the controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// A mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub(crate) version: Version,
    /// Those of our controllers that it is used for.
    pub(crate) controllers: Vec<Controller>,
    /// Where it is mounted.
    pub(crate) mount: PathBuf,
    /// The group of the own process, below `mount`.
    pub(crate) own: PathBuf,
}

/// The hierarchies that hold our controllers, each with the controllers it is used for.
pub(crate) fn hierarchies() -> io::Result<Vec<Hierarchy>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let membership = fs::read_to_string("/proc/self/cgroup")?;
    Ok(choose(
        mounted(&mounts, &membership),
        |mount| fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default(),
        |mount| rustix::fs::access(mount, Access::WRITE_OK).is_ok(),
    ))
}

/// A mounted hierarchy and the controllers its mount names.
type Mounted = (Hierarchy, Vec<String>);

/// Gives every controller to the version 1 hierarchy that has it, or else to version 2 where that offers it. The freezer is
/// that of version 2, and none where no groups can be made in that.
fn choose(
    mounted: Vec<Mounted>,
    offered: impl Fn(&Path) -> String,
    writable: impl Fn(&Path) -> bool,
) -> Vec<Hierarchy> {
    let offers = |(hierarchy, names): &Mounted, wanted: Controller| match hierarchy.version {
        Version::V1 => wanted != Controller::Freezer && names.iter().any(|name| name == wanted.name()),
        Version::V2 if wanted == Controller::Freezer => writable(&hierarchy.mount),
        Version::V2 if wanted.is_built_in() => true,
        Version::V2 => offered(&hierarchy.mount)
            .split_whitespace()
            .any(|name| name == wanted.name()),
    };
    let mut chosen: Vec<Hierarchy> = Vec::new();
    for controller in Controller::ALL {
        let of_version = |version| {
            mounted
                .iter()
                .filter(move |(hierarchy, _)| hierarchy.version == version)
        };
        let candidates = of_version(Version::V1).chain(of_version(Version::V2));
        let mut candidates: Vec<&Mounted> = candidates
            .filter(|candidate| offers(candidate, controller))
            .collect();
        if controller == Controller::Accounting {
            // Each hierarchy costs every environment a group, so one that is used anyway comes first.
            candidates.sort_by_key(|(candidate, _)| !is_chosen(&chosen, candidate));
        }
        let Some((found, _)) = candidates.first() else {
            continue;
        };
        match chosen.iter_mut().find(|hierarchy| hierarchy.mount == found.mount) {
            Some(hierarchy) => hierarchy.controllers.push(controller),
            None => chosen.push(Hierarchy {
                controllers: vec![controller],
                ..found.clone()
            }),
        }
    }
    chosen
}

fn is_chosen(chosen: &[Hierarchy], candidate: &Hierarchy) -> bool {
    chosen.iter().any(|hierarchy| hierarchy.mount == candidate.mount)
}

/// Reads `/proc/self/mountinfo` and `/proc/self/cgroup`.
fn mounted(mounts: &str, membership: &str) -> Vec<Mounted> {
    let read = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, mount) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let (version, options) = match kind.next()? {
            "cgroup" => (Version::V1, kind.nth(1)?),
            "cgroup2" => (Version::V2, ""),
            _ => return None,
        };
        let names: Vec<String> = options.split(',').map(str::to_owned).collect();
        let path = own_group(membership, version, &names)?;
        let own = Path::new(path)
            .strip_prefix(root)
            .unwrap_or_else(|_| Path::new(""))
            .to_owned();
        Some((
            Hierarchy {
                version,
                controllers: Vec::new(),
                mount: mount.into(),
                own,
            },
            names,
        ))
    };
    mounts.lines().filter_map(read).collect()
}

/// The path in the line of `/proc/self/cgroup` (`number:controllers:path`) that belongs to a hierarchy.
fn own_group<'a>(membership: &'a str, version: Version, names: &[String]) -> Option<&'a str> {
    membership.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let same = match version {
            Version::V1 => controllers
                .split(',')
                .any(|name| !name.is_empty() && names.iter().any(|n| n == name)),
            Version::V2 => controllers.is_empty(),
        };
        same.then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "\
22 1 0:21 / /proc rw - proc proc rw
40 30 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 30 0:31 /box /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
42 30 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
    const MEMBER: &str = "5:memory:/user/me\n3:cpu,cpuacct:/box/inner\n1:name=systemd:/x\n0::/me.scope\n";

    #[test]
    fn every_controller_is_found_in_the_version_that_has_it() {
        let chosen = choose(mounted(MIXED, MEMBER), |_| "hugetlb pids".into(), |_| true);
        let summary: Vec<_> = chosen
            .iter()
            .map(|h| (h.version, &h.controllers[..], h.own.as_path()))
            .collect();
        assert_eq!(
            summary,
            [
                (
                    Version::V1,
                    &[Controller::Memory][..],
                    Path::new("/user/me").strip_prefix("/").unwrap()
                ),
                (
                    Version::V1,
                    &[Controller::Cpu, Controller::Accounting][..],
                    Path::new("inner")
                ),
                (
                    Version::V2,
                    &[Controller::Pids, Controller::Freezer][..],
                    Path::new("me.scope")
                ),
            ]
        );
    }

    #[test]
    fn version_2_alone_holds_everything() {
        let mounts = "30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let chosen = choose(
            mounted(mounts, "0::/\n"),
            |_| "cpuset cpu io memory pids".into(),
            |_| true,
        );
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].controllers, Controller::ALL);
        assert_eq!(chosen[0].own, Path::new(""));
    }

    #[test]
    fn nothing_is_found_where_nothing_is_mounted() {
        assert_eq!(choose(mounted("", ""), |_| String::new(), |_| true), []);
    }

    #[test]
    fn time_is_measured_where_a_group_is_anyway() {
        let mounts = format!("{MIXED}43 30 0:33 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n")
            .replace("rw,cpu,cpuacct", "rw,cpu");
        let chosen = choose(
            mounted(&mounts, &format!("7:cpuacct:/\n{MEMBER}")),
            |_| "pids".into(),
            |_| true,
        );
        let found = chosen
            .iter()
            .find(|found| found.controllers.contains(&Controller::Accounting));
        assert_eq!(found.map(|found| found.version), Some(Version::V2));
    }

    #[test]
    fn only_a_version_2_that_can_be_used_freezes() {
        let freezes = |more: &str, writable: bool| {
            let mounts = format!("{more}40 30 0:30 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n");
            choose(
                mounted(&mounts, "6:freezer:/\n0::/\n"),
                |_| String::new(),
                |_| writable,
            )
            .into_iter()
            .filter(|hierarchy| hierarchy.controllers.contains(&Controller::Freezer))
            .map(|hierarchy| hierarchy.version)
            .collect::<Vec<_>>()
        };
        let second = "42 30 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!(freezes(second, true), [Version::V2]);
        assert_eq!(freezes(second, false), []);
        assert_eq!(freezes("", true), []);
    }
}
