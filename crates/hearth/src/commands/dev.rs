//! `hearth dev`: a server for one developer, with the functions of some folders in it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Args;
use hearth_types::Region;

use super::{block_on, deploy};
use crate::client::{Client, ClientError, Credentials, Endpoint};
use crate::deploy::{DeployError, Deployed, Source, Wanted};
use crate::failure::Failure;
use crate::launch::{Mode, Temporary, launch, state_directory};
use crate::missing;
use crate::project::{self, Project};
use crate::settings::{PORT, ServerFlags};

/// Start a server on this machine that takes any credentials, and deploy folders to it
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folders to deploy: functions, or folders of functions
    folders: Vec<PathBuf>,
    /// A further folder below which functions may be shown folders as they are (the bucket hot-reload)
    #[arg(long, value_name = "PATH")]
    allow_folder: Vec<PathBuf>,
    #[command(flatten)]
    flags: ServerFlags,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = arguments.flags.load()?;
    let projects = projects(&arguments.folders)?;
    let temporary = match settings.ephemeral {
        true => Some(Temporary::create()?),
        false => None,
    };
    let data = match (&temporary, &settings.data_dir) {
        (Some(directory), _) => directory.path().join("data"),
        (None, Some(named)) => named.clone(),
        (None, None) => state_directory().map_err(Failure::failed)?,
    };
    let is_told = temporary.is_none() && settings.data_dir.is_none();
    let node = launch(Mode::Dev, settings, &data, arguments.roots()?)?;
    if is_told {
        eprintln!("functions and logs are kept in {}", data.display());
    }
    missing::tell(&node.discovery);
    let address = node.addresses[0];
    if !projects.is_empty() {
        thread::spawn(move || deploy_all(address, projects));
    }
    node.wait()
}

impl Arguments {
    /// Where folders may be that functions are shown as they are: here, in those that are deployed, and where the user
    /// says.
    fn roots(&self) -> Result<Vec<PathBuf>, Failure> {
        let here = std::env::current_dir().map_err(Failure::failed)?;
        let named = self.folders.iter().chain(&self.allow_folder);
        let real = |folder: &PathBuf| {
            let what = |error| Failure::usage(format!("cannot open {}: {error}", folder.display()));
            folder.canonicalize().map_err(what)
        };
        [&here].into_iter().chain(named).map(real).collect()
    }
}

/// The functions in all folders. A named folder without one is an error, a broken one beside others in it is not.
fn projects(folders: &[PathBuf]) -> Result<Vec<Project>, Failure> {
    let mut projects = Vec::new();
    for folder in folders {
        let (found, failures) = project::functions(folder).map_err(Failure::usage)?;
        failures
            .iter()
            .for_each(|failure| eprintln!("warning: {failure}"));
        projects.extend(found);
    }
    Ok(projects)
}

/// Deploys each folder as any client would, and says what to try.
fn deploy_all(address: SocketAddr, projects: Vec<Project>) {
    let deployed = block_on(async {
        let endpoint = Endpoint::parse(&format!("http://{address}")).map_err(Failure::failed)?;
        let client = Client::new(endpoint, Region::default(), Credentials::dev());
        let mut names = Vec::new();
        for wanted in projects.into_iter().map(Wanted::new) {
            match deploy_in_place(&client, &wanted).await {
                Ok(deployed) => {
                    eprintln!("{}", deploy::summary(&wanted.name, &deployed));
                    names.push(wanted.name);
                }
                // The server has said itself why it ended.
                Err(DeployError::Client(ClientError::NoServer { .. } | ClientError::Connection { .. })) => {
                    break;
                }
                Err(error) => eprintln!("warning: {} is not deployed: {error}", wanted.name),
            }
        }
        Ok(names)
    });
    match deployed {
        Ok(names) => names
            .first()
            .into_iter()
            .for_each(|name| eprintln!("{}", to_try(address, name))),
        Err(failure) => {
            failure.report();
        }
    }
}

/// Deploys a folder as it is, so that a saved file is run by the next invocation. Where functions cannot be shown it, a
/// package is made of it.
async fn deploy_in_place(client: &Client, wanted: &Wanted) -> Result<Deployed, DeployError> {
    let folder = &wanted.project.folder;
    let refused = match Source::folder(folder) {
        Ok(source) => match crate::deploy::deploy_source(client, wanted, source).await {
            Err(DeployError::Client(ClientError::Answer { message, .. })) => message,
            other => return other,
        },
        Err(error) => error.to_string(),
    };
    eprintln!(
        "warning: {} is deployed as a package; run `hearth deploy` after a change: {refused}",
        wanted.name
    );
    crate::deploy::deploy(client, wanted).await
}

/// How to invoke a function with the tools that people have.
fn to_try(address: SocketAddr, name: &str) -> String {
    let endpoint = if address.port() == PORT {
        String::new()
    } else {
        format!(" --endpoint http://{address}")
    };
    let event = r#"'{"name": "Ada"}'"#;
    format!(
        "try:\n  hearth invoke {name}{endpoint} --tail -d {event}\n  \
         hearth url {name}{endpoint}   # an address for web requests\n  \
         curl -d {event} http://{address}/2015-03-31/functions/{name}/invocations\n  \
         AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 aws lambda invoke \\\n    \
         --endpoint-url http://{address} --cli-binary-format raw-in-base64-out --function-name {name} \\\n    \
         --payload {event} /dev/stdout"
    )
}
