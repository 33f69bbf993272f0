//! From a request's method and path to what it asks for.

use hyper::Method;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Ping,
    Next,
    Response(String),
    Error(String),
    InitError,
    RegisterExtension,
    ExtensionNext,
    ExtensionInitError,
    ExtensionExitError,
    Telemetry,
    Logs,
}

const RUNTIME: &str = "2018-06-01";
const EXTENSIONS: &str = "2020-01-01";

impl Route {
    /// The route, or the status for what there is not.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, u16> {
        let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        let (wanted, route) = match parts[..] {
            [RUNTIME, "ping"] => (Method::GET, Self::Ping),
            [RUNTIME, "runtime", "invocation", "next"] => (Method::GET, Self::Next),
            [RUNTIME, "runtime", "invocation", id, "response"] => {
                (Method::POST, Self::Response(id.to_owned()))
            }
            [RUNTIME, "runtime", "invocation", id, "error"] => (Method::POST, Self::Error(id.to_owned())),
            [RUNTIME, "runtime", "init", "error"] => (Method::POST, Self::InitError),
            [EXTENSIONS, "extension", "register"] => (Method::POST, Self::RegisterExtension),
            [EXTENSIONS, "extension", "event", "next"] => (Method::GET, Self::ExtensionNext),
            [EXTENSIONS, "extension", "init", "error"] => (Method::POST, Self::ExtensionInitError),
            [EXTENSIONS, "extension", "exit", "error"] => (Method::POST, Self::ExtensionExitError),
            ["2022-07-01", "telemetry"] => (Method::PUT, Self::Telemetry),
            ["2020-08-15", "logs"] => (Method::PUT, Self::Logs),
            _ => return Err(404),
        };
        if *method == wanted { Ok(route) } else { Err(405) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_are_told_apart() {
        let next = "/2018-06-01/runtime/invocation/next";
        assert_eq!(Route::of(&Method::GET, next), Ok(Route::Next));
        assert_eq!(Route::of(&Method::POST, next), Err(405));
        assert_eq!(
            Route::of(&Method::POST, "/2018-06-01/runtime/invocation/x/response"),
            Ok(Route::Response("x".to_owned()))
        );
        for path in [
            "",
            "/",
            "//",
            "/2018-06-01/runtime/invocation",
            "/2020-01-01/runtime/init/error",
        ] {
            assert_eq!(Route::of(&Method::GET, path), Err(404), "{path}");
        }
    }
}
