//! Function logs: append-only segments and the CloudWatch Logs API.
#![forbid(unsafe_code)]
