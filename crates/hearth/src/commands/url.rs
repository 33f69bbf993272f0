//! `hearth url`: an address on the web for a function.

use clap::{Args, ValueEnum};
use hearth_wire::lambda::{Cors, FunctionUrlAuthType, FunctionUrlConfig, InvokeMode};

use super::{ServerArguments, block_on};
use crate::client::{Client, UrlOf, UrlSettings};
use crate::failure::Failure;
use crate::output;

/// Give a function a URL, change it, or show it
#[derive(Args)]
pub(crate) struct Arguments {
    /// Name or ARN of the function
    name: String,
    /// The URL of an alias
    #[arg(long, value_name = "ALIAS")]
    qualifier: Option<String>,
    /// Who may use it: everybody, or who signs requests and is permitted to [default for a new one: none]
    #[arg(long, value_enum)]
    auth: Option<Auth>,
    /// Send responses as they come
    #[arg(long)]
    stream: bool,
    /// Send responses when they are complete
    #[arg(long, conflicts_with = "stream")]
    buffered: bool,
    /// Let pages of this origin use it, or of any where it is *; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Say nothing about pages of other origins
    #[arg(long, conflicts_with = "cors")]
    no_cors: bool,
    /// Delete the URL
    #[arg(long, conflicts_with_all = ["auth", "stream", "buffered", "cors", "no_cors"])]
    delete: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// Who may use a URL.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// Everybody
    None,
    /// Whoever signs requests with Signature Version 4 and is permitted to
    Iam,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let of = UrlOf {
        function: &arguments.name,
        alias: arguments.qualifier.as_deref(),
    };
    if arguments.delete {
        return block_on(async {
            client.delete_url(of).await?;
            client.close_url(of).await?;
            eprintln!("deleted the URL of {}", arguments.name);
            Ok(())
        });
    }
    let config = block_on(settle(&client, of, arguments.settings()))?;
    let url = config.function_url.as_deref().unwrap_or_default();
    let visitors = match config.auth_type {
        Some(FunctionUrlAuthType::None) => "everybody",
        _ => "whoever signs requests and is permitted to",
    };
    let other = client.url_without_name(url);
    let other = other.map_or_else(String::new, |url| {
        format!("; where the name does not resolve: {url}")
    });
    eprintln!("for {visitors}{other}");
    if arguments.server.json {
        output::json(&config)
    } else {
        output::line(url)
    }
}

/// Makes the URL what it is to be. A new one, and one that becomes public, is opened to everybody.
async fn settle(
    client: &Client,
    of: UrlOf<'_>,
    mut settings: UrlSettings,
) -> Result<FunctionUrlConfig, Failure> {
    match client.url(of).await? {
        None => {
            settings.auth_type.get_or_insert(FunctionUrlAuthType::None);
            client.create_url(of, &settings).await?;
        }
        Some(config) if settings.is_empty() => return Ok(config),
        Some(_) => client.update_url(of, &settings).await?,
    }
    match settings.auth_type {
        Some(FunctionUrlAuthType::None) => client.open_url(of).await?,
        Some(FunctionUrlAuthType::AwsIam) => client.close_url(of).await?,
        None => {}
    }
    let config = client.url(of).await?;
    config.ok_or_else(|| Failure::failed("the URL was deleted meanwhile"))
}

impl Arguments {
    fn settings(&self) -> UrlSettings {
        let any = || Some(vec!["*".to_owned()]);
        let cors = match (self.cors.as_slice(), self.no_cors) {
            ([], false) => None,
            ([], true) => Some(Cors::default()),
            (origins, _) => Some(Cors {
                allow_origins: Some(origins.to_vec()),
                allow_methods: any(),
                allow_headers: any(),
                ..Cors::default()
            }),
        };
        UrlSettings {
            auth_type: self.auth.map(|auth| match auth {
                Auth::None => FunctionUrlAuthType::None,
                Auth::Iam => FunctionUrlAuthType::AwsIam,
            }),
            cors,
            invoke_mode: match (self.stream, self.buffered) {
                (true, _) => Some(InvokeMode::ResponseStream),
                (false, true) => Some(InvokeMode::Buffered),
                (false, false) => None,
            },
        }
    }
}
