//! Every variable a function sees, from its configuration and from the platform.

use std::collections::BTreeMap;

use hearth_types::{FunctionName, Qualifier, Region, inside};

use super::{RUNTIME_DIR, TASK_ROOT};
use crate::family::Family;
use crate::logging::Logging;

/// Names that a function's configuration may not set: "Defined runtime environment variables" of the
/// Lambda developer guide, the reserved ones, and the two older spellings the API refuses as well.
const RESERVED: [&str; 20] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
];

/// Variables that are the same in every environment.
const CONSTANT: [(&str, &str); 15] = [
    ("AWS_ENDPOINT_URL", inside::API_URL),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_RUNTIME_API", inside::RUNTIME_API),
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
    ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"),
    ("LAMBDA_RUNTIME_DIR", RUNTIME_DIR),
    ("LAMBDA_TASK_ROOT", TASK_ROOT),
    ("LANG", "en_US.UTF-8"),
    ("LD_LIBRARY_PATH", LIBRARIES),
    ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
    ("PWD", TASK_ROOT),
    ("SHLVL", "0"),
    ("TZ", ":UTC"),
    ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"),
    ("_AWS_XRAY_DAEMON_PORT", "2000"),
];

const LIBRARIES: &str =
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";

const NODE_MODULES: &str = "/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task";

/// What Python makes of LANG, which names a locale that sandboxes do not have.
const PYTHON_LOCALE: (&str, &str) = ("LC_CTYPE", "C.UTF-8");

/// The credentials of a function's role.
pub struct Credentials<'a> {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: &'a str,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: &'a str,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: &'a str,
}

/// What the variables of an environment are made from.
pub struct Environment<'a> {
    /// The function's name.
    pub function: &'a FunctionName,
    /// `$LATEST` or a number.
    pub version: &'a Qualifier,
    /// The function's memory, in MB.
    pub memory_mb: u32,
    /// The function's handler.
    pub handler: &'a str,
    /// The function's runtime, such as `nodejs20.x`.
    pub runtime: &'a str,
    /// Where its log lines go.
    pub log_group: &'a str,
    /// The environment's own log stream.
    pub log_stream: &'a str,
    /// The form of the function's log.
    pub logging: Logging,
    /// The region of the function.
    pub region: &'a Region,
    /// Credentials of the function's role.
    pub credentials: Credentials<'a>,
    /// The variables of the function's configuration.
    pub user: &'a BTreeMap<String, String>,
}

/// What an interpreter is started with that does not know its function yet: what the dynamic loader, the C
/// library and the interpreter read only once, as every function has it that does not need a fresh start.
pub fn initial(family: Family) -> BTreeMap<String, String> {
    let early = ["LANG", "LD_LIBRARY_PATH", "PATH", "TZ"];
    let constant = CONSTANT.into_iter().filter(|(name, _)| early.contains(name));
    let locale = (family == Family::Python).then_some(PYTHON_LOCALE);
    constant.chain(locale).map(owned).collect()
}

/// Whether a function's configuration may not set this variable.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// All variables of an environment. The function's own come on top of the platform's, except for
/// reserved names and names that begin with an underscore.
pub fn variables(environment: &Environment<'_>) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = CONSTANT.into_iter().map(owned).collect();
    variables.extend(of_function(environment));
    variables.extend(of_runtime(environment.runtime));
    variables.extend(of_logging(environment.logging));
    let allowed = environment
        .user
        .iter()
        .filter(|(name, value)| may_set(name, value));
    variables.extend(allowed.map(|(name, value)| (name.clone(), value.clone())));
    variables
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn may_set(name: &str, value: &str) -> bool {
    // A process cannot have a variable with NUL in it; one such would spoil the others.
    let possible = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
    possible && !name.starts_with('_') && !is_reserved(name)
}

fn of_function(environment: &Environment<'_>) -> impl Iterator<Item = (String, String)> {
    let region = environment.region.to_string();
    let credentials = &environment.credentials;
    [
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.to_owned()),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", environment.runtime)),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            environment.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_FUNCTION_NAME", environment.function.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", environment.version.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", environment.log_group.to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", environment.log_stream.to_owned()),
        ("AWS_REGION", region),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.to_owned()),
        ("AWS_SESSION_TOKEN", credentials.session_token.to_owned()),
        ("_HANDLER", environment.handler.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
}

fn of_runtime(runtime: &str) -> Vec<(String, String)> {
    match Family::of(runtime) {
        Some((Family::Nodejs, version)) => {
            let layer = format!("/opt/nodejs/node{}/node_modules", version.major);
            let path = format!("{layer}:{NODE_MODULES}");
            vec![("NODE_PATH".to_owned(), path)]
        }
        Some((Family::Python, _)) => [PYTHON_LOCALE, ("PYTHONPATH", RUNTIME_DIR)].map(owned).into(),
        Some((Family::Provided, _)) | None => Vec::new(),
    }
}

/// What the bootstraps read, and libraries such as Powertools. A log of text needs neither.
fn of_logging(logging: Logging) -> Vec<(String, String)> {
    match logging.application() {
        None => Vec::new(),
        Some(level) => [
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_LEVEL", level.as_str()),
        ]
        .map(owned)
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runtime: &str, user: &[(&str, &str)]) -> BTreeMap<String, String> {
        let user = user
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        variables(&Environment {
            function: &FunctionName::parse("f").unwrap(),
            version: &Qualifier::Latest,
            memory_mb: 128,
            handler: "index.handler",
            runtime,
            log_group: "/aws/lambda/f",
            log_stream: "2026/01/01/[$LATEST]0",
            logging: Logging::JSON,
            region: &Region::default(),
            credentials: Credentials {
                access_key_id: "ASIA",
                secret_access_key: "s",
                session_token: "t",
            },
            user: &user,
        })
    }

    #[test]
    fn the_platform_describes_the_function() {
        let variables = of("nodejs20.x", &[("TABLE", "orders")]);
        for (name, value) in [
            ("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs20.x"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
            ("AWS_REGION", "us-east-1"),
            ("TZ", ":UTC"),
            ("TABLE", "orders"),
            ("AWS_ENDPOINT_URL", "http://169.254.100.1:4566"),
            ("_HANDLER", "index.handler"),
        ] {
            assert_eq!(variables[name], value, "{name}");
        }
        assert!(variables["NODE_PATH"].starts_with("/opt/nodejs/node20/node_modules:"));
        assert!(!variables.contains_key("PYTHONPATH"));
        assert_eq!(of("python3.11", &[])["PYTHONPATH"], "/var/runtime");
    }

    #[test]
    fn a_function_may_replace_only_what_is_its_own() {
        let user = [
            ("PATH", "/bin"),
            ("AWS_ENDPOINT_URL", "http://elsewhere"),
            ("TZ", "Europe/Oslo"),
            ("AWS_REGION", "x"),
            ("AWS_LAMBDA_LOG_FORMAT", "Text"),
            ("_HANDLER", "y"),
            ("_A", "z"),
        ];
        let variables = of("python3.11", &user);
        assert_eq!(variables["PATH"], "/bin");
        assert_eq!(variables["AWS_ENDPOINT_URL"], "http://elsewhere");
        assert_eq!(variables["TZ"], "Europe/Oslo");
        assert_eq!(variables["AWS_LAMBDA_LOG_FORMAT"], "Text");
        assert_eq!(variables["AWS_REGION"], "us-east-1");
        assert_eq!(variables["_HANDLER"], "index.handler");
        assert!(!variables.contains_key("_A"));
    }

    #[test]
    fn what_no_process_can_have_is_left_out() {
        let variables = of("python3.11", &[("A=B", "x"), ("C", "x\0y"), ("", "x")]);
        assert!(
            !variables
                .keys()
                .any(|name| name.contains('=') || name == "C" || name.is_empty())
        );
    }
}
