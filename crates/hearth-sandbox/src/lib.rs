//! The warden and the isolation of execution environments.
