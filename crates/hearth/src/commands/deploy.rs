//! `hearth deploy`: from a folder to a function that can be invoked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use hearth_runtime::Family;
use hearth_types::NetworkPolicy;
use hearth_wire::lambda::FunctionConfiguration;

use super::{ServerArguments, block_on};
use crate::deploy::{Deployed, Published, Wanted, deploy, publish};
use crate::failure::Failure;
use crate::output;
use crate::project::{Hints, Project};

/// Deploy a folder as a function: create it, or update what differs
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder with the code
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Name of the function [default: the folder's]
    #[arg(long)]
    name: Option<String>,
    /// Handler, such as index.handler [default: found by convention]
    #[arg(long)]
    handler: Option<String>,
    /// Runtime, such as nodejs22.x [default: the newest one that suits the code and the server]
    #[arg(long)]
    runtime: Option<String>,
    /// Memory in MB, 128 to 10240
    #[arg(long, value_name = "MB")]
    memory: Option<i32>,
    /// Timeout in seconds, 1 to 900
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<i32>,
    /// An environment variable; all of them together replace those that the function has
    #[arg(long, value_name = "KEY=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// ARN of a layer's version, at most five, the last one on top; all of them together replace those that the
    /// function has
    #[arg(long, value_name = "ARN")]
    layer: Vec<String>,
    /// Where the function may connect to: none, allow, or hosts separated by commas, such as
    /// api.example.com,*.example.org:443,10.0.0.0/8 [default: everywhere but to this machine]
    #[arg(long, value_name = "POLICY")]
    network: Option<NetworkPolicy>,
    /// ARN of the execution role
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// Publish what is deployed as a version, unless the newest version is just that
    #[arg(long)]
    publish: bool,
    /// Let this alias lead to the published version; it is made where there is none
    #[arg(long, value_name = "NAME", requires = "publish")]
    alias: Option<String>,
    /// A description
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let json = arguments.server.json;
    let (is_published, alias) = (arguments.publish, arguments.alias.clone());
    let wanted = arguments.wanted()?;
    let deployed = block_on(async { Ok(deploy(&client, &wanted).await?) })?;
    eprintln!("{}", summary(&wanted.name, &deployed));
    if !is_published {
        return write(&deployed.configuration, None, json);
    }
    let alias = alias.as_deref();
    let published = block_on(async { Ok(publish(&client, &wanted.name, alias).await?) })?;
    let Published { version, alias: arn } = published;
    let number = version.version.as_deref().unwrap_or_default();
    eprintln!("version {number}");
    if let Some(alias) = alias {
        eprintln!("{alias} leads to version {number}");
    }
    write(&version, arn, json)
}

/// The configuration, or the ARN to use what was deployed by.
fn write(configuration: &FunctionConfiguration, alias: Option<String>, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(configuration);
    }
    let arn = alias.or_else(|| configuration.function_arn.clone());
    output::line(arn.unwrap_or_default())
}

/// One line on what was done.
pub(crate) fn summary(name: &str, deployed: &Deployed) -> String {
    let Deployed {
        change,
        configuration,
        source,
    } = deployed;
    let runtime = configuration.runtime.as_deref().unwrap_or("?");
    let handler = configuration.handler.as_deref().unwrap_or("?");
    format!(
        "{} {name}: {runtime}, {handler}, {}",
        change.as_str(),
        source.describe()
    )
}

impl Arguments {
    fn wanted(self) -> Result<Wanted, Failure> {
        let family = match &self.runtime {
            Some(identifier) => Some(family(identifier)?),
            None => None,
        };
        let project = Project::recognise(
            &self.folder,
            &Hints {
                family,
                handler: self.handler,
            },
        )?;
        let environment: BTreeMap<String, String> = self.env.into_iter().collect();
        Ok(Wanted {
            name: self.name.unwrap_or_else(|| project.name()),
            runtime: self.runtime,
            memory: self.memory,
            timeout: self.timeout,
            role: self.role,
            description: self.description,
            environment: (!environment.is_empty()).then_some(environment),
            network: self.network,
            layers: (!self.layer.is_empty()).then_some(self.layer),
            project,
        })
    }
}

fn family(identifier: &str) -> Result<Family, Failure> {
    Family::of(identifier).map(|(family, _)| family).ok_or_else(|| {
        Failure::usage(format!(
            "the runtime cannot be {identifier:?}; folders of Node.js (nodejs22.x and its like), of Python \
             (python3.13 and its like) and with a bootstrap (provided.al2023) can be deployed"
        ))
    })
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
