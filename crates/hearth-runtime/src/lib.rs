//! How platform and code talk: the frame protocol, the Runtime API, bootstraps and installed runtimes.
//!
//! Nothing here opens a socket: [`frames`] and [`LogSplitter`] turn bytes into values and values into bytes, whoever
//! owns the descriptors moves them; [`api`] serves connections that somebody else has accepted.
#![forbid(unsafe_code)]

pub mod api;
mod bootstrap;
mod catalogue;
mod discover;
pub mod environment;
mod family;
pub mod frames;
mod log_splitter;
mod logging;

pub use bootstrap::BootstrapFile;
pub use catalogue::{Catalogue, Choice, Refusal, Substitutes};
pub use discover::{Discovery, DiscoverySettings, InstalledRuntime, Places, discover};
pub use family::{Family, NotAVersion, Version};
pub use log_splitter::LogSplitter;
pub use logging::{LogLevel, Logging, NotALevel};
