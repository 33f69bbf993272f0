//! `hearth show`: everything about one function.

use clap::Args;
use serde_json::Value;

use super::{ServerArguments, block_on};
use crate::failure::Failure;
use crate::output;

/// Show a function's configuration and state
#[derive(Args)]
pub(crate) struct Arguments {
    /// Name or ARN of the function
    name: String,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let configuration = block_on(async { Ok(client.configuration_json(&arguments.name).await?) })?;
    if arguments.server.json {
        return output::json(&configuration);
    }
    let mut rows = Vec::new();
    flatten("", &configuration, &mut rows);
    output::table(&rows)
}

/// One row per value, named by the path to it.
fn flatten(path: &str, value: &Value, rows: &mut Vec<[String; 2]>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| flatten(&below(name), value, rows)),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            rows.push([path.to_owned(), items.join(", ")]);
        }
        value => rows.push([path.to_owned(), text(value)]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_has_its_row() {
        let mut rows = Vec::new();
        let configuration = json!({ "Architectures": ["x86_64"], "Environment": { "Variables": { "A": "b" } }, "Timeout": 3 });
        flatten("", &configuration, &mut rows);
        let rows: Vec<_> = rows
            .iter()
            .map(|[name, value]| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("Architectures", "x86_64"),
                ("Environment.Variables.A", "b"),
                ("Timeout", "3")
            ]
        );
    }
}
