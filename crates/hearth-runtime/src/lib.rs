//! How platform and code talk: the frame protocol, bootstraps and installed runtimes.
#![forbid(unsafe_code)]
