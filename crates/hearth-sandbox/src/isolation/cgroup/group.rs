//! Control groups as what holds an environment.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use rustix::fs::OFlags;
use rustix::process::Pid;

use super::memory::MemoryWatch;
use super::{Controller, Groups, Home, Mark, Version, directory};
use crate::isolation::bounds::{Bound, Bounds, Memory};
use crate::isolation::limits::{CpuPolicy, Limits};
use crate::sys;

/// The groups of one warden, and how they treat the CPU.
pub(crate) struct GroupBounds {
    groups: Rc<Groups>,
    cpu: CpuPolicy,
}

/// The groups of one environment.
struct Group {
    groups: Rc<Groups>,
    name: String,
    cpu: CpuPolicy,
    memory: MemoryWatch,
}

impl GroupBounds {
    /// Makes the warden's groups (see [`Groups::create`]).
    pub(crate) fn create(mark: Mark, cpu: CpuPolicy) -> io::Result<Self> {
        Ok(Self {
            groups: Rc::new(Groups::create(mark)?),
            cpu,
        })
    }

    fn group(&self, name: &str, limits: Limits) -> io::Result<Group> {
        self.groups.add(name)?;
        self.groups.limit(name, limits, self.cpu)?;
        Ok(Group {
            memory: MemoryWatch::start(&self.groups, name, limits.anonymous_bytes())?,
            groups: Rc::clone(&self.groups),
            name: name.to_owned(),
            cpu: self.cpu,
        })
    }
}

impl Bounds for GroupBounds {
    fn make(&self, name: &str, limits: Limits) -> io::Result<Box<dyn Bound>> {
        match self.group(name, limits) {
            Ok(group) => Ok(Box::new(group)),
            Err(error) => {
                // Nobody is in it.
                self.groups.remove(name)?;
                Err(error)
            }
        }
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        self.groups.close()
    }
}

impl Bound for Group {
    fn entry(&self) -> io::Result<Option<OwnedFd>> {
        self.groups.entry(&self.name)
    }

    fn inherited(&self) -> Vec<BorrowedFd<'_>> {
        let homes = self.groups.homes.iter();
        let (alarm, _) = self.memory.alarm();
        homes.map(|home| home.directory.as_fd()).chain([alarm]).collect()
    }

    fn enter(&self) -> io::Result<()> {
        self.groups.join(&self.name)
    }

    fn settle(&self, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
        if let Some(arming) = self.memory.arming(&self.groups, &self.name)? {
            let mut all = kept.to_vec();
            all.extend(arming.descriptors());
            sys::close_from(0, &all)?;
            arming.carry_out()?;
        }
        sys::close_from(0, kept)
    }

    fn started(&mut self, _first: Pid) -> io::Result<Option<Duration>> {
        Ok(None)
    }

    fn change(&mut self, limits: Limits) -> io::Result<()> {
        self.groups.limit(&self.name, limits, self.cpu)?;
        self.memory.change_limit(limits.anonymous_bytes());
        Ok(())
    }

    fn alarm(&self) -> Option<(BorrowedFd<'_>, EventFlags)> {
        Some(self.memory.alarm())
    }

    fn check(&mut self) -> Memory {
        match self.memory.check(&self.groups, &self.name) {
            Memory::Within(_) if self.ran_out_of_memory() => Memory::Exceeded,
            found => found,
        }
    }

    fn last_look(&mut self) {
        self.memory.check(&self.groups, &self.name);
    }

    fn ran_out_of_memory(&self) -> bool {
        self.groups.ran_out_of_memory(&self.name)
    }

    fn gauge(&self) -> io::Result<OwnedFd> {
        let home = self
            .groups
            .home(Controller::Memory)
            .ok_or(io::ErrorKind::Unsupported)?;
        home.open(&self.name, "memory.stat", OFlags::RDONLY)
    }

    fn freezer(&self) -> io::Result<Option<OwnedFd>> {
        self.groups.freezer(&self.name)
    }

    fn peak(&self) -> u64 {
        self.memory.peak()
    }

    fn cpu_time(&self, waited: Duration) -> Duration {
        self.groups.cpu_time(&self.name).unwrap_or(waited)
    }

    fn remove(&mut self) -> io::Result<bool> {
        self.groups.remove(&self.name)
    }
}

impl Groups {
    /// What freezes and thaws a group, if groups can be frozen.
    fn freezer(&self, group: &str) -> io::Result<Option<OwnedFd>> {
        let home = self.home(Controller::Freezer);
        home.map(|home| home.open(group, "cgroup.freeze", OFlags::WRONLY))
            .transpose()
    }

    /// The group of version 2 that a child is to be created in, if that version is in use.
    fn entry(&self, group: &str) -> io::Result<Option<OwnedFd>> {
        let second = self.homes.iter().find(|home| home.version == Version::V2);
        second
            .map(|home: &Home| directory(&home.directory, group))
            .transpose()
    }
}
