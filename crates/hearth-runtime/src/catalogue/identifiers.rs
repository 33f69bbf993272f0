//! The runtime identifiers of the Lambda API.

/// Identifiers a function may be created with, in the order in which AWS lists them when it refuses
/// another one (recorded 2026-03).
const LISTED: [&str; 25] = [
    "nodejs20.x",
    "python3.14",
    "provided.al2023",
    "python3.12",
    "python3.13",
    "nodejs24.x",
    "nodejs22.x",
    "java25",
    "python3.10",
    "python3.11",
    "java21",
    "ruby3.3",
    "ruby3.4",
    "ruby3.2",
    "python3.8",
    "python3.9",
    "java17",
    "nodejs16.x",
    "dotnet10",
    "dotnet8",
    "java11",
    "dotnet6",
    "nodejs18.x",
    "provided.al2",
    "java8.al2",
];

/// Identifiers that came after that recording.
const NEWER: [&str; 3] = ["nodejs26.x", "python3.15", "ruby4.0"];

/// An identifier that AWS has ended support for. Here it costs nothing: every custom runtime is the same.
const KEPT: &str = "provided";

/// Identifiers that only existing functions may have, of which a new Hearth has none.
const DEPRECATED: [&str; 21] = [
    "dotnet5.0",
    "dotnet7",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "java8",
    "nodejs",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "python2.7",
    "python3.6",
    "python3.7",
    "ruby2.5",
    "ruby2.7",
];

/// Whether AWS lets a function be created with this runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Current,
    Deprecated,
    Unknown,
}

pub(super) fn standing(identifier: &str) -> Standing {
    if LISTED.contains(&identifier) || NEWER.contains(&identifier) || identifier == KEPT {
        Standing::Current
    } else if DEPRECATED.contains(&identifier) {
        Standing::Deprecated
    } else {
        Standing::Unknown
    }
}

/// The identifiers as AWS writes them into an error.
pub(super) fn listed() -> String {
    LISTED.join(", ")
}

/// Every identifier a function may be created with.
pub(super) fn current() -> impl Iterator<Item = &'static str> {
    LISTED.into_iter().chain(NEWER)
}
