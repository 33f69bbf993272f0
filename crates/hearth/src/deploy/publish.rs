//! From what is deployed to a version, and to an alias that leads to it.

use hearth_wire::lambda::FunctionConfiguration;

use super::DeployError;
use crate::client::Client;

/// A version that was published, and what leads to it.
pub(crate) struct Published {
    pub(crate) version: FunctionConfiguration,
    /// The ARN of the alias, where one was asked for.
    pub(crate) alias: Option<String>,
}

/// Publishes a function as it is, unless its newest version is just that, and lets an alias lead there.
pub(crate) async fn publish(
    client: &Client,
    function: &str,
    alias: Option<&str>,
) -> Result<Published, DeployError> {
    let version = client.publish_version(function).await?;
    let number = version.version.clone().unwrap_or_default();
    let alias = match alias {
        None => None,
        Some(alias) => {
            let leading = match client.update_alias(function, alias, &number).await {
                Err(error) if error.is_not_found() => client.create_alias(function, alias, &number).await,
                answer => answer,
            };
            leading?.alias_arn
        }
    };
    Ok(Published { version, alias })
}
