//! `hearth show`: everything about one function.

use clap::Args;
use hearth_types::FunctionReference;
use hearth_wire::lambda::AliasConfiguration;
use serde_json::Value;

use super::{ServerArguments, block_on};
use crate::failure::Failure;
use crate::output;

/// Show a function's configuration and state
#[derive(Args)]
pub(crate) struct Arguments {
    /// Name or ARN of the function; NAME:VERSION or NAME:ALIAS for what was published
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
    if is_whole(&arguments.name) {
        let name = &arguments.name;
        let (aliases, tags) =
            block_on(async { Ok((client.aliases(name).await?, client.tags(name).await?)) })?;
        rows.extend(aliases.iter().map(alias));
        rows.extend(
            tags.into_iter()
                .map(|(name, value)| [format!("Tags.{name}"), value]),
        );
    }
    output::table(&rows)
}

/// Whether no version or alias is meant.
fn is_whole(name: &str) -> bool {
    FunctionReference::parse(name).is_ok_and(|reference| reference.qualifier.is_none())
}

/// Where an alias leads: `Aliases.prod  3`, or `Aliases.prod  3, to 10% 4`.
fn alias(alias: &AliasConfiguration) -> [String; 2] {
    let mut text = alias.function_version.clone().unwrap_or_default();
    let routing = alias.routing_config.as_ref();
    let weights = routing.and_then(|routing| routing.additional_version_weights.as_ref());
    for (version, weight) in weights.into_iter().flatten() {
        // Weights are written with a few decimals, and binary fractions are not.
        let percent = (weight * 1e6).round() / 1e4;
        text.push_str(&format!(", to {percent}% {version}"));
    }
    [
        format!("Aliases.{}", alias.name.as_deref().unwrap_or_default()),
        text,
    ]
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
    use hearth_wire::lambda::AliasRoutingConfiguration;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alias_says_where_it_leads() {
        let mut prod = AliasConfiguration {
            name: Some("prod".into()),
            function_version: Some("3".into()),
            ..AliasConfiguration::default()
        };
        assert_eq!(alias(&prod), ["Aliases.prod", "3"]);
        prod.routing_config = Some(AliasRoutingConfiguration {
            additional_version_weights: Some([("4".to_owned(), 0.07)].into()),
        });
        assert_eq!(alias(&prod), ["Aliases.prod", "3, to 7% 4"]);
        assert!(is_whole("f") && !is_whole("f:prod") && !is_whole("f:$LATEST"));
    }

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
