//! AWS Lambda's quotas, as the developer guide and the API model state them (2026-11).

/// Largest request or response payload of a synchronous invocation, in bytes, as the API counts it.
pub const SYNC_PAYLOAD: usize = 6 * 1024 * 1024;
/// The same on the runtime's side: 6 MiB and 100 bytes.
pub const RUNTIME_PAYLOAD: usize = 6_291_556;
/// Largest streamed response, in bytes: 200 MB by default on AWS.
pub const STREAMED_RESPONSE: u64 = 200 * 1024 * 1024;
/// Largest payload of an asynchronous invocation, in bytes.
pub const ASYNC_PAYLOAD: usize = 1024 * 1024;
/// Largest deployment package that is uploaded directly, in bytes.
pub const CODE_ZIPPED: usize = 52_428_800;
/// Largest unpacked code including layers, in bytes.
pub const CODE_UNZIPPED: u64 = 262_144_000;
/// Largest body of CreateFunction and UpdateFunctionCode, in bytes.
pub const CODE_REQUEST: usize = 70_167_211;
/// Code storage of an account in a region, in bytes.
pub const CODE_STORAGE: u64 = 80_530_636_800;
/// Memory of a function, in MB.
pub const MEMORY_MB: std::ops::RangeInclusive<u32> = 128..=10_240;
/// Size of /tmp, in MB.
pub const EPHEMERAL_MB: std::ops::RangeInclusive<u32> = 512..=10_240;
/// Timeout of a function, in seconds.
pub const TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=900;
/// All environment variables of a function together, in bytes of their JSON form.
pub const ENVIRONMENT_BYTES: usize = 4096;
/// Concurrent executions of an account in a region.
pub const CONCURRENT_EXECUTIONS: u32 = 1000;
/// Concurrency that reservations must leave to functions without one.
pub const MINIMUM_UNRESERVED: u32 = 100;
/// How long a function's init may take before the environment is reset, in seconds.
pub const INIT_SECONDS: u64 = 10;
/// Open files of a process in an environment.
pub const OPEN_FILES: u32 = 1024;
/// Processes and threads in an environment.
pub const PROCESSES: u32 = 1024;
/// The end of the log that `LogType=Tail` returns, in bytes.
pub const LOG_TAIL: usize = 4096;
/// Largest log event, in bytes.
pub const LOG_EVENT: usize = 1024 * 1024;
/// Memory that stands for one full CPU, in MB.
pub const MEMORY_MB_PER_CPU: u32 = 1769;
