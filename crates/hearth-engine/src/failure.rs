//! Failures in AWS's shape: the payload the caller sees and the type the log names.

use std::time::Duration;

use bytes::Bytes;
use hearth_runtime::api::{ExtensionInfo, ExtensionState, ShutdownReason};
use hearth_sandbox::{BOOTSTRAPS, Exit, ExitStatus, LaunchFailure};
use hearth_types::RequestId;
use serde_json::json;

use crate::Conclusion;
use crate::attendant;
use crate::report::Status;

/// How an init or an invocation failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The code reported an error itself; the document is passed on unchanged.
    Reported { error_type: String, body: Bytes },
    /// It ran longer than it may.
    TimedOut,
    /// The control socket was closed; [`crate::exchange::run`] replaces this by how the process ended.
    Closed,
    /// The process ended.
    Exited(Exit),
    /// The answer is larger than so many bytes.
    ResponseTooLarge(u64),
    /// The connection broke in the middle of the answer.
    Truncated,
    /// The function's own bootstrap could not be executed.
    Launch(LaunchFailure),
    /// An extension failed.
    Extension(ExtensionInfo),
    /// What came over the control socket was not the protocol.
    Protocol(String),
}

impl Failure {
    /// The error type for `Outcome` and metrics.
    pub(crate) fn error_type(&self) -> &str {
        match self {
            Self::Reported { error_type, .. } => error_type,
            Self::TimedOut => "Sandbox.Timedout",
            Self::Exited(exit) if exit.out_of_memory => "Runtime.OutOfMemory",
            Self::Closed | Self::Exited(_) => "Runtime.ExitError",
            Self::ResponseTooLarge(_) => "Function.ResponseSizeTooLarge",
            Self::Truncated => "Runtime.TruncatedResponse",
            Self::Launch(_) => "Runtime.InvalidEntrypoint",
            Self::Extension(extension) => attendant::error_type(extension.state),
            Self::Protocol(_) => "Runtime.Unknown",
        }
    }

    /// The error type as the platform's lines name it: only types of the form `Runtime.X` and `Function.X`
    /// are kept.
    pub(crate) fn platform_type(&self) -> &str {
        let kind = self.error_type();
        let known = |prefix: &str| {
            kind.strip_prefix(prefix).is_some_and(|name| {
                name.starts_with(|c: char| c.is_ascii_uppercase())
                    && name.chars().all(|c| c.is_ascii_alphabetic())
            })
        };
        match kind {
            _ if known("Runtime.") || known("Function.") || known("Extension.") => kind,
            _ if kind.starts_with("Function.") => "Function.Unknown",
            _ => "Runtime.Unknown",
        }
    }

    /// Peak memory as the sandbox reported it with the end, in MB, rounded up; 0 where nothing ended.
    pub(crate) fn peak_memory_mb(&self) -> u32 {
        match self {
            Self::Exited(exit) => {
                u32::try_from(exit.peak_memory_bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX)
            }
            _ => 0,
        }
    }

    /// The end of the report line of an init.
    pub(crate) fn init_status(&self) -> Status {
        match self {
            Self::TimedOut => Status::Timeout,
            failure => Status::Error(failure.platform_type().to_owned()),
        }
    }

    /// The end of the report line of an invocation. An error that the handler raised is no failure of the
    /// environment, and AWS's line says nothing of it.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Reported { .. } => Status::Success,
            failure => failure.init_status(),
        }
    }

    /// What extensions are told when the environment ends of it.
    pub(crate) fn shutdown_reason(&self) -> ShutdownReason {
        match self {
            Self::TimedOut => ShutdownReason::Timeout,
            _ => ShutdownReason::Failure,
        }
    }

    /// Whether it may have come of memory that ran out: somebody was killed, or has lost whom it talked to.
    pub(crate) fn may_be_for_memory(&self) -> bool {
        match self {
            Self::Exited(exit) => exit.status == ExitStatus::Signal(9) && !exit.out_of_memory,
            Self::Extension(extension) => {
                matches!(
                    extension.state,
                    ExtensionState::Exited | ExtensionState::ExitError
                )
            }
            _ => false,
        }
    }

    /// How an invocation that it ends is counted.
    pub(crate) fn conclusion(&self) -> Conclusion {
        match self {
            Self::TimedOut => Conclusion::Timeout,
            Self::Exited(exit) if exit.out_of_memory => Conclusion::OutOfMemory,
            Self::Closed | Self::Exited(_) | Self::Launch(_) | Self::Extension(_) => Conclusion::Crash,
            Self::Reported { .. } | Self::ResponseTooLarge(_) | Self::Truncated | Self::Protocol(_) => {
                Conclusion::Error
            }
        }
    }

    /// Whether the environment can take another invocation.
    pub(crate) fn spares_the_environment(&self) -> bool {
        matches!(self, Self::Reported { .. })
    }

    /// The error document.
    pub(crate) fn payload(&self, id: RequestId, timeout: Duration) -> Bytes {
        match self {
            Self::Reported { body, .. } => body.clone(),
            Self::TimedOut => document(
                "Sandbox.Timedout",
                &format!("RequestId: {id} Error: {}", timed_out(timeout)),
            ),
            Self::Exited(exit) => document(
                "Runtime.ExitError",
                &format!("RequestId: {id} Error: {}", reason(exit.status)),
            ),
            Self::ResponseTooLarge(limit) => document(
                self.error_type(),
                &format!("Response payload size exceeded maximum allowed payload size ({limit} bytes)."),
            ),
            Self::Closed => document(
                self.error_type(),
                &format!("RequestId: {id} Error: Runtime exited"),
            ),
            Self::Launch(failure) => document(
                self.error_type(),
                &format!("RequestId: {id} Error: {}", launch(*failure)),
            ),
            Self::Truncated => document(
                self.error_type(),
                &format!("RequestId: {id} Error: the runtime's response was cut short"),
            ),
            Self::Extension(extension) => document(
                self.error_type(),
                &format!("RequestId: {id} Error: {}", extension_failed(extension)),
            ),
            Self::Protocol(what) => document(self.error_type(), &format!("RequestId: {id} Error: {what}")),
        }
    }

    /// The line the log gets besides START, END and REPORT.
    pub(crate) fn log_line(
        &self,
        id: RequestId,
        now: std::time::SystemTime,
        timeout: Duration,
    ) -> Option<String> {
        match self {
            Self::TimedOut => Some(format!(
                "{} {id} {}\n",
                hearth_types::time::iso8601(now),
                timed_out(timeout)
            )),
            Self::Exited(exit) => Some(format!(
                "RequestId: {id} Error: {}\nRuntime.ExitError",
                reason(exit.status)
            )),
            Self::Launch(failure) => Some(format!(
                "RequestId: {id} Error: {}\n{}",
                launch(*failure),
                self.error_type()
            )),
            Self::Extension(extension) => Some(format!(
                "RequestId: {id} Error: {}\n{}",
                extension_failed(extension),
                self.error_type()
            )),
            _ => None,
        }
    }
}

/// The platform's error document, its members in AWS's order.
fn document(error_type: &str, message: &str) -> Bytes {
    let (error_type, message) = (json!(error_type), json!(message));
    format!(r#"{{"errorType":{error_type},"errorMessage":{message}}}"#).into()
}

fn timed_out(timeout: Duration) -> String {
    format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
}

fn reason(status: ExitStatus) -> String {
    match status {
        ExitStatus::Code(0) => "Runtime exited without providing a reason".to_owned(),
        ExitStatus::Code(code) => format!("Runtime exited with error: exit status {code}"),
        ExitStatus::Signal(signal) => format!("Runtime exited with error: signal: {}", signal_name(signal)),
    }
}

/// Why a bootstrap does not run, in AWS's words, which are Go's.
fn launch(failure: LaunchFailure) -> String {
    match failure {
        LaunchFailure::Missing => format!("Couldn't find valid bootstrap(s): [{}]", BOOTSTRAPS.join(" ")),
        LaunchFailure::Refused(place, errno) => {
            format!("fork/exec {}: {}", BOOTSTRAPS[place], error_text(errno))
        }
    }
}

/// The text of an error number as Go writes it: in small letters.
fn error_text(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

fn extension_failed(extension: &ExtensionInfo) -> String {
    match &extension.error_type {
        Some(kind) => kind.clone(),
        None => format!("extension {} failed", extension.name),
    }
}

/// Linux's signals under the names AWS prints.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        31 => "bad system call",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(status: ExitStatus, out_of_memory: bool) -> Failure {
        Failure::Exited(Exit {
            status,
            out_of_memory,
            peak_memory_bytes: 0,
            cpu: Duration::ZERO,
        })
    }

    fn payload(failure: &Failure) -> String {
        let id = RequestId::parse("00000000-0000-4000-8000-000000000000").unwrap();
        String::from_utf8(failure.payload(id, Duration::from_secs(1)).to_vec()).unwrap()
    }

    #[test]
    fn exits_are_told_apart() {
        let quiet = payload(&exited(ExitStatus::Code(0), false));
        assert!(
            quiet.contains("Error: Runtime exited without providing a reason"),
            "{quiet}"
        );
        let code = payload(&exited(ExitStatus::Code(127), false));
        assert!(
            code.contains("Runtime exited with error: exit status 127"),
            "{code}"
        );
        let killed = exited(ExitStatus::Signal(9), true);
        assert!(payload(&killed).contains("signal: killed"));
        assert!(payload(&killed).contains("\"errorType\":\"Runtime.ExitError\""));
        assert_eq!(killed.status(), Status::Error("Runtime.OutOfMemory".into()));
    }

    #[test]
    fn a_bootstrap_that_does_not_run_is_explained_as_go_does() {
        let refused = |errno| payload(&Failure::Launch(LaunchFailure::Refused(0, errno)));
        for (errno, text) in [
            (13, "fork/exec /var/task/bootstrap: permission denied"),
            (8, "fork/exec /var/task/bootstrap: exec format error"),
            (2, "fork/exec /var/task/bootstrap: no such file or directory"),
        ] {
            let refused = refused(errno);
            assert!(refused.contains(text), "{refused}");
            assert!(
                refused.starts_with(r#"{"errorType":"Runtime.InvalidEntrypoint""#),
                "{refused}"
            );
        }
        let missing = payload(&Failure::Launch(LaunchFailure::Missing));
        assert!(
            missing.contains("Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
            "{missing}"
        );
    }

    #[test]
    fn a_timeout_names_the_limit() {
        assert_eq!(
            payload(&Failure::TimedOut),
            r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 00000000-0000-4000-8000-000000000000 Error: Task timed out after 1.00 seconds"}"#
        );
    }
}
