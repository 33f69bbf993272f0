//! Every variable a function sees, from its configuration and from the platform.

use std::collections::BTreeMap;

use hearth_types::inside::Addresses;
use hearth_types::{FunctionName, Places, Qualifier, Region};

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
const CONSTANT: [(&str, &str); 8] = [
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
    ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"),
    ("LANG", "en_US.UTF-8"),
    ("SHLVL", "0"),
    ("TZ", ":UTC"),
    ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"),
    ("_AWS_XRAY_DAEMON_PORT", "2000"),
];

/// Keeps Python from writing beside the code, where nothing else does.
const PYTHON_WRITES_NOT: (&str, &str) = ("PYTHONDONTWRITEBYTECODE", "1");

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
    /// Where its files are.
    pub places: &'a Places,
    /// Where Hearth's services are.
    pub addresses: Addresses,
    /// Credentials of the function's role.
    pub credentials: Credentials<'a>,
    /// The variables of the function's configuration.
    pub user: &'a BTreeMap<String, String>,
}

/// What an interpreter is started with that does not know its function yet: what the dynamic loader, the C
/// library and the interpreter read only once, as every function has it that does not need a fresh start.
pub fn initial(family: Family, places: &Places) -> BTreeMap<String, String> {
    let early = ["LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"];
    let mut all: BTreeMap<_, _> = CONSTANT.into_iter().map(owned).chain(of_places(places)).collect();
    all.retain(|name, _| early.contains(&name.as_str()));
    if family == Family::Python {
        all.extend(of_python(places));
    }
    all
}

/// Whether a function's configuration may not set this variable.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// All variables of an environment. The function's own come on top of the platform's, except for
/// reserved names and names that begin with an underscore.
pub fn variables(environment: &Environment<'_>) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = CONSTANT.into_iter().map(owned).collect();
    variables.extend(of_places(environment.places));
    variables.extend(of_services(environment.addresses));
    variables.extend(of_function(environment));
    variables.extend(of_runtime(environment.runtime, environment.places));
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

fn of_places(places: &Places) -> Vec<(String, String)> {
    let (task, layers, runtime) = (places.task(), places.layers(), places.runtime());
    let lang = places.of("/var/lang");
    let libraries =
        format!("{lang}/lib:/lib64:/usr/lib64:{runtime}:{runtime}/lib:{task}:{task}/lib:{layers}/lib");
    let programs = format!("{lang}/bin:/usr/local/bin:/usr/bin/:/bin:{layers}/bin");
    let temporary = places.temporary().map(|temporary| ("TMPDIR", temporary));
    [
        ("LAMBDA_RUNTIME_DIR", runtime),
        ("LAMBDA_TASK_ROOT", task.clone()),
        ("LD_LIBRARY_PATH", libraries),
        ("PATH", programs),
        ("PWD", task),
    ]
    .into_iter()
    .chain(temporary)
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn of_services(addresses: Addresses) -> [(String, String); 2] {
    [
        ("AWS_ENDPOINT_URL", addresses.api_url()),
        ("AWS_LAMBDA_RUNTIME_API", addresses.runtime_api()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

fn of_runtime(runtime: &str, places: &Places) -> Vec<(String, String)> {
    let (layers, own, task) = (places.layers(), places.runtime(), places.task());
    match Family::of(runtime) {
        Some((Family::Nodejs, version)) => {
            let layer = format!("{layers}/nodejs/node{}/node_modules", version.major);
            let path = format!("{layer}:{layers}/nodejs/node_modules:{own}/node_modules:{own}:{task}");
            vec![("NODE_PATH".to_owned(), path)]
        }
        Some((Family::Python, _)) => {
            let mut variables = of_python(places);
            variables.push(("PYTHONPATH".to_owned(), own));
            variables
        }
        Some((Family::Provided, _)) | None => Vec::new(),
    }
}

fn of_python(places: &Places) -> Vec<(String, String)> {
    // Behind walls code cannot be written to.
    let writes_not = places.temporary().is_some().then_some(PYTHON_WRITES_NOT);
    [PYTHON_LOCALE].into_iter().chain(writes_not).map(owned).collect()
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
        at(&Places::WALLED, runtime, user)
    }

    fn at(places: &Places, runtime: &str, user: &[(&str, &str)]) -> BTreeMap<String, String> {
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
            places,
            addresses: Addresses::WALLED,
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
            ("LAMBDA_TASK_ROOT", "/var/task"),
            (
                "LD_LIBRARY_PATH",
                "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
            ),
            ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("_HANDLER", "index.handler"),
        ] {
            assert_eq!(variables[name], value, "{name}");
        }
        assert!(variables["NODE_PATH"].starts_with("/opt/nodejs/node20/node_modules:"));
        assert!(!variables.contains_key("PYTHONPATH"));
        assert_eq!(of("python3.11", &[])["PYTHONPATH"], "/var/runtime");
    }

    #[test]
    fn without_walls_everything_lies_below_the_environments_root() {
        let places = Places::below("/e");
        let variables = at(&places, "python3.11", &[]);
        for (name, value) in [
            ("LAMBDA_TASK_ROOT", "/e/var/task"),
            ("PATH", "/e/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/e/opt/bin"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PYTHONPATH", "/e/var/runtime"),
            ("TMPDIR", "/e/tmp"),
        ] {
            assert_eq!(variables[name], value, "{name}");
        }
        let walled = of("python3.11", &[]);
        assert!(!walled.contains_key("TMPDIR") && !walled.contains_key("PYTHONDONTWRITEBYTECODE"));
        let early = initial(Family::Nodejs, &places);
        let names: Vec<&str> = early.keys().map(String::as_str).collect();
        assert_eq!(names, ["LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"]);
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
