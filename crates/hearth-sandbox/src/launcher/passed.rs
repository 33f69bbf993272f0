//! Descriptors that a process started by the launcher inherits.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sys;

/// A descriptor in the record a process is started with. Writing the record writes the number; reading it, in
/// the process that inherited the descriptor, takes it over.
pub(crate) struct Passed(pub(crate) OwnedFd);

impl Serialize for Passed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_raw_fd().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = RawFd::deserialize(deserializer)?;
        sys::adopt(number).map(Self).map_err(serde::de::Error::custom)
    }
}
