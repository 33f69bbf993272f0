//! The system calls an environment may use. The profile is data: `profiles/<architecture>.json`.

use std::io;

use seccompiler::{BpfMap, BpfProgram, TargetArch};

#[cfg(target_arch = "x86_64")]
const PROFILE: &str = include_str!("../../profiles/x86_64.json");
#[cfg(target_arch = "aarch64")]
const PROFILE: &str = include_str!("../../profiles/aarch64.json");

/// A compiled profile: programs that all have to agree.
pub(crate) struct Filter(Vec<BpfProgram>);

impl Filter {
    /// The filter of environments.
    pub(crate) fn of_environments() -> io::Result<Self> {
        Self::of(&["environment", "refused"])
    }

    /// The filter of the server: the same, and no programs.
    pub(crate) fn of_server() -> io::Result<Self> {
        Self::of(&["environment", "refused", "programs"])
    }

    fn of(parts: &[&str]) -> io::Result<Self> {
        let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
        let mut programs = compile(PROFILE, architecture)?;
        let part = |name: &&str| {
            programs
                .remove(*name)
                .ok_or_else(|| io::Error::other("a part of the profile is missing"))
        };
        Ok(Self(parts.iter().map(part).collect::<io::Result<_>>()?))
    }

    /// Applies it to this process and all below it, for ever.
    pub(crate) fn apply(&self) -> io::Result<()> {
        self.0
            .iter()
            .try_for_each(|program| seccompiler::apply_filter(program))
            .map_err(io::Error::other)
    }
}

fn compile(profile: &str, architecture: TargetArch) -> io::Result<BpfMap> {
    seccompiler::compile_from_json(profile.as_bytes(), architecture).map_err(io::Error::other)
}
