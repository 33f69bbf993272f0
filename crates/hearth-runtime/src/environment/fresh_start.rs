//! Variables that an interpreter reads only once, when it starts.

use std::collections::BTreeMap;

/// Whole families of such variables, by how their names begin.
const PREFIXES: [&str; 8] = [
    "LD_",
    "LC_",
    "MALLOC_",
    "NODE_",
    "PYTHON",
    "OPENSSL_",
    "SSL_CERT_",
    "UV_",
];
/// Single ones.
const NAMES: [&str; 4] = ["AWS_LAMBDA_EXEC_WRAPPER", "GLIBC_TUNABLES", "LANG", "LANGUAGE"];
/// Members of those families that the bootstraps apply when they are claimed, or that only code reads.
const APPLIED_LATER: [&str; 3] = ["NODE_ENV", "NODE_PATH", "PYTHONPATH"];

/// Whether a function with these variables of its own must not be given an interpreter that is already
/// running: the dynamic loader, the C library or the interpreter reads one of them at its start.
pub fn needs_fresh_start(user: &BTreeMap<String, String>) -> bool {
    user.keys().map(String::as_str).any(is_read_at_start)
}

fn is_read_at_start(name: &str) -> bool {
    let listed = NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    listed && !APPLIED_LATER.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(name: &str) -> bool {
        needs_fresh_start(&BTreeMap::from([(name.to_owned(), "x".to_owned())]))
    }

    #[test]
    fn what_is_read_at_start_needs_a_fresh_one() {
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "NODE_OPTIONS",
            "NODE_EXTRA_CA_CERTS",
            "LANG",
            "LC_ALL",
            "PYTHONHASHSEED",
            "GLIBC_TUNABLES",
            "MALLOC_ARENA_MAX",
            "AWS_LAMBDA_EXEC_WRAPPER",
            "UV_THREADPOOL_SIZE",
        ] {
            assert!(needs(name), "{name}");
        }
    }

    #[test]
    fn ordinary_variables_do_not() {
        for name in [
            "PYTHONPATH",
            "NODE_PATH",
            "NODE_ENV",
            "TZ",
            "PATH",
            "TABLE_NAME",
            "OLD_LANG",
            "AWS_X",
        ] {
            assert!(!needs(name), "{name}");
        }
        assert!(!needs_fresh_start(&BTreeMap::new()));
    }
}
