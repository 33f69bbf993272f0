//! What `GET /health` and `GET /_localstack/health` answer.

use std::collections::BTreeMap;

use hearth_runtime::{Catalogue, Family};
use hearth_sandbox::Tier;
use serde_json::{Value, json};

/// The answer; `services` has the form that LocalStack gives it, since tools wait for it.
pub(super) fn health(tier: Tier, catalogue: &Catalogue) -> Value {
    let services = ["lambda", "logs", "sts"].map(|name| (name, "available"));
    json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "edition": "hearth",
        "isolation": tier,
        "services": BTreeMap::from(services),
        "runtimes": runtimes(catalogue),
    })
}

/// Every runtime that a function can have here, with the version of the interpreter that it gets; custom runtimes get
/// none, and have the version of the system they are made for.
fn runtimes(catalogue: &Catalogue) -> BTreeMap<&'static str, String> {
    let usable = |(identifier, choice): (&'static str, Result<hearth_runtime::Choice, _>)| {
        let version = match choice.ok()?.interpreter {
            Some(place) => catalogue.installed()[place].version,
            None => Family::of(identifier)?.1,
        };
        Some((identifier, version.to_string()))
    };
    catalogue.overview().filter_map(usable).collect()
}
