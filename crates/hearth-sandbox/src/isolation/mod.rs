//! The walls around an environment, one file per kind, and what there is without them.

mod attendant;
pub(crate) mod base;
pub(crate) mod bounds;
pub(crate) mod cgroup;
pub(crate) mod child;
mod deferred;
pub(crate) mod etc;
pub(crate) mod ground;
pub(crate) mod landlock;
pub(crate) mod limits;
pub(crate) mod mounts;
pub(crate) mod network;
pub(crate) mod owners;
pub(crate) mod privileges;
pub(crate) mod program;
pub(crate) mod root;
pub(crate) mod sampled;
pub(crate) mod seccomp;
pub(crate) mod status;
pub(crate) mod tier;
pub(crate) mod user_namespace;
pub(crate) mod world;
