//! The system calls an environment may use. The profile is data: `profiles/<architecture>.json`, in the
//! format of the crate `seccompiler`.
//!
//! A call is allowed by the part `environment`, or by `conditional` with the arguments named there. What
//! exists but is `refused` answers EPERM. Everything else, calls that are newer than the profile among them,
//! answers ENOSYS, as on a kernel that does not have it: so C libraries fall back from clone3, whose flags
//! cannot be seen from here, to clone, whose flags can. Environments are refused also what is `host_wide`, since it
//! holds up others, and where memory is counted by process what is `uncounted`. The server's process may do that, but
//! not execute `programs`; else it runs under the same profile.

mod decision;
mod tree;

use std::io;

use seccompiler::{BpfMap, BpfProgram, TargetArch};

#[cfg(target_arch = "x86_64")]
const PROFILE: &str = include_str!("../../../profiles/x86_64.json");
#[cfg(target_arch = "aarch64")]
const PROFILE: &str = include_str!("../../../profiles/aarch64.json");

/// A profile in the form the kernel takes.
pub(crate) struct Filter(BpfProgram);

impl Filter {
    /// The filter of environments.
    pub(crate) fn of_environments() -> io::Result<Self> {
        Self::compile(PROFILE, std::env::consts::ARCH, &["refused", "host_wide"])
    }

    /// The filter of environments where the kernel keeps no account of their memory: without the calls that take
    /// memory which belongs to no process, since that is not seen.
    pub(crate) fn of_counted_environments() -> io::Result<Self> {
        Self::compile(
            PROFILE,
            std::env::consts::ARCH,
            &["refused", "host_wide", "uncounted"],
        )
    }

    /// The filter of the server.
    pub(crate) fn of_server() -> io::Result<Self> {
        Self::compile(PROFILE, std::env::consts::ARCH, &["refused", "programs"])
    }

    fn compile(profile: &str, architecture: &str, refused: &[&str]) -> io::Result<Self> {
        let parts = Parts::read(profile, architecture)?;
        tree::build(
            &parts.program("environment")?,
            &parts.program("conditional")?,
            &parts.all(refused)?,
        )
        .map(Self)
    }

    /// Applies it to this process and all below it, for ever.
    pub(crate) fn apply(&self) -> io::Result<()> {
        seccompiler::apply_filter(&self.0).map_err(io::Error::other)
    }
}

/// The parts of a profile, each compiled for itself.
struct Parts(BpfMap);

impl Parts {
    fn read(profile: &str, architecture: &str) -> io::Result<Self> {
        let architecture = TargetArch::try_from(architecture).map_err(io::Error::other)?;
        seccompiler::compile_from_json(profile.as_bytes(), architecture)
            .map_err(io::Error::other)
            .map(Self)
    }

    fn program(&self, part: &str) -> io::Result<BpfProgram> {
        let missing = || io::Error::other(format!("the profile has no part {part:?}"));
        self.0.get(part).cloned().ok_or_else(missing)
    }

    fn all(&self, parts: &[&str]) -> io::Result<Vec<BpfProgram>> {
        parts.iter().map(|part| self.program(part)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    const PROFILES: [(&str, &str); 2] = [
        ("x86_64", include_str!("../../../profiles/x86_64.json")),
        ("aarch64", include_str!("../../../profiles/aarch64.json")),
    ];

    fn names(profile: &Value, part: &str) -> Vec<String> {
        let rules = profile[part]["filter"].as_array().expect("a part has a filter");
        rules
            .iter()
            .map(|rule| rule["syscall"].as_str().expect("a rule names a call").to_owned())
            .collect()
    }

    #[test]
    fn no_rule_is_unknown_redundant_or_out_of_order() {
        for (architecture, text) in PROFILES {
            // Compiling fails for names the architecture does not have.
            Filter::compile(
                text,
                architecture,
                &["refused", "host_wide", "programs", "uncounted"],
            )
            .unwrap();
            let profile: Value = serde_json::from_str(text).unwrap();
            let parts = ["environment", "conditional", "refused"].map(|part| names(&profile, part));
            for part in &parts {
                assert!(part.is_sorted(), "{architecture}");
            }
            let [allowed, conditional, refused] = parts.map(|part| {
                let count = part.len();
                (part.into_iter().collect::<BTreeSet<_>>(), count)
            });
            for (once, count) in [&allowed, &refused] {
                assert_eq!(once.len(), *count, "{architecture}: a call is listed twice");
            }
            let all = [&allowed.0, &conditional.0, &refused.0];
            let together: BTreeSet<_> = all.iter().flat_map(|part| part.iter()).collect();
            assert_eq!(
                together.len(),
                all.iter().map(|part| part.len()).sum::<usize>(),
                "{architecture}"
            );
        }
    }

    #[test]
    fn both_architectures_agree() {
        let [one, other] = PROFILES.map(|(_, text)| serde_json::from_str::<Value>(text).unwrap());
        for part in [
            "environment",
            "conditional",
            "refused",
            "host_wide",
            "programs",
            "uncounted",
        ] {
            assert_eq!(one[part]["match_action"], other[part]["match_action"]);
            assert_eq!(one[part]["mismatch_action"], other[part]["mismatch_action"]);
        }
        for part in ["host_wide", "programs", "uncounted"] {
            assert_eq!(one[part], other[part]);
        }
        let common = |profile: &Value, part: &str| names(profile, part).into_iter().collect::<BTreeSet<_>>();
        // What one refuses, the other does not allow.
        for (here, there) in [(&one, &other), (&other, &one)] {
            assert!(common(here, "refused").is_disjoint(&common(there, "environment")));
            assert!(common(here, "conditional").is_disjoint(&common(there, "environment")));
        }
    }
}
