//! The calls of the Lambda API about versions and aliases.

use hearth_wire::lambda::{
    AliasConfiguration, FunctionConfiguration, ListAliasesResponse, ListFunctionsResponse,
};
use http::Method;
use serde_json::json;

use super::lambda::{FUNCTIONS, encode, path};
use super::{Client, ClientError};

impl Client {
    /// Publishes what is deployed, or finds the version that was published of it.
    pub(crate) async fn publish_version(&self, function: &str) -> Result<FunctionConfiguration, ClientError> {
        let target = format!("{}/versions", path(function));
        self.lambda(Method::POST, target, "{}".into()).await?.json()
    }

    /// Makes an alias.
    pub(crate) async fn create_alias(
        &self,
        function: &str,
        alias: &str,
        version: &str,
    ) -> Result<AliasConfiguration, ClientError> {
        let body = json!({ "Name": alias, "FunctionVersion": version }).to_string();
        let target = format!("{}/aliases", path(function));
        self.lambda(Method::POST, target, body.into()).await?.json()
    }

    /// Lets an alias lead to one version, wholly.
    pub(crate) async fn update_alias(
        &self,
        function: &str,
        alias: &str,
        version: &str,
    ) -> Result<AliasConfiguration, ClientError> {
        let routing = json!({ "AdditionalVersionWeights": {} });
        let body = json!({ "FunctionVersion": version, "RoutingConfig": routing }).to_string();
        let target = format!("{}/aliases/{}", path(function), encode(alias));
        self.lambda(Method::PUT, target, body.into()).await?.json()
    }

    /// The aliases of a function.
    pub(crate) async fn aliases(&self, function: &str) -> Result<Vec<AliasConfiguration>, ClientError> {
        let first = format!("{}/aliases", path(function));
        self.pages(&first, |page: ListAliasesResponse| {
            (page.aliases.unwrap_or_default(), page.next_marker)
        })
        .await
    }

    /// Every function of the account and region, and with `versions` what was published of each.
    pub(crate) async fn functions(&self, versions: bool) -> Result<Vec<FunctionConfiguration>, ClientError> {
        let first = if versions {
            format!("{FUNCTIONS}/?FunctionVersion=ALL")
        } else {
            format!("{FUNCTIONS}/")
        };
        self.pages(&first, |page: ListFunctionsResponse| {
            (page.functions.unwrap_or_default(), page.next_marker)
        })
        .await
    }
}
