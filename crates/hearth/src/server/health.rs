//! What `GET /health` and `GET /_localstack/health` answer.

use std::collections::BTreeMap;

use hearth_runtime::Catalogue;
use serde_json::{Value, json};

/// The answer; `services` has the form that LocalStack gives it, since tools wait for it.
pub(super) fn health(catalogue: &Catalogue) -> Value {
    let services = ["lambda", "logs", "sts"].map(|name| (name, "available"));
    json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "edition": "hearth",
        "services": BTreeMap::from(services),
        "runtimes": runtimes(catalogue),
    })
}

/// Every runtime that a function can have here, with the version of the interpreter that it gets.
fn runtimes(catalogue: &Catalogue) -> BTreeMap<&'static str, String> {
    let usable = |(identifier, choice): (&'static str, Result<hearth_runtime::Choice, _>)| {
        let installed = &catalogue.installed()[choice.ok()?.index];
        Some((identifier, installed.version.to_string()))
    };
    catalogue.overview().filter_map(usable).collect()
}
