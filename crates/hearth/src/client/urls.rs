//! The calls about function URLs, and the permissions that open one to everybody.

use bytes::Bytes;
use hearth_wire::lambda::{Cors, FunctionUrlAuthType, FunctionUrlConfig, InvokeMode};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::lambda::{encode, json, path, qualified};
use super::{Client, ClientError};

/// The statements that let everybody use a URL: since October 2025 AWS wants both. Their ids are those of AWS's console.
const STATEMENTS: [(&str, &str, &str); 2] = [
    (
        "FunctionURLAllowPublicAccess",
        "lambda:InvokeFunctionUrl",
        "FunctionUrlAuthType",
    ),
    (
        "FunctionURLInvokeAllowPublicAccess",
        "lambda:InvokeFunction",
        "InvokedViaFunctionUrl",
    ),
];

/// A function, and the alias if the URL is one's.
#[derive(Clone, Copy)]
pub(crate) struct UrlOf<'a> {
    pub(crate) function: &'a str,
    pub(crate) alias: Option<&'a str>,
}

/// What is to be set of a URL; the rest stays, or is as the API has it.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UrlSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_type: Option<FunctionUrlAuthType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cors: Option<Cors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invoke_mode: Option<InvokeMode>,
}

impl UrlSettings {
    /// Whether nothing is to be set.
    pub(crate) fn is_empty(&self) -> bool {
        self.auth_type.is_none() && self.cors.is_none() && self.invoke_mode.is_none()
    }
}

impl Client {
    /// The URL of a function or an alias, if it has one.
    pub(crate) async fn url(&self, of: UrlOf<'_>) -> Result<Option<FunctionUrlConfig>, ClientError> {
        match self.lambda(Method::GET, of.target(), Bytes::new()).await {
            Ok(answer) => answer.json().map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn create_url(&self, of: UrlOf<'_>, settings: &UrlSettings) -> Result<(), ClientError> {
        self.lambda(Method::POST, of.target(), json(settings)?)
            .await
            .map(drop)
    }

    pub(crate) async fn update_url(&self, of: UrlOf<'_>, settings: &UrlSettings) -> Result<(), ClientError> {
        self.lambda(Method::PUT, of.target(), json(settings)?)
            .await
            .map(drop)
    }

    pub(crate) async fn delete_url(&self, of: UrlOf<'_>) -> Result<(), ClientError> {
        self.lambda(Method::DELETE, of.target(), Bytes::new())
            .await
            .map(drop)
    }

    /// Lets everybody use the URL; statements that are there already stay.
    pub(crate) async fn open_url(&self, of: UrlOf<'_>) -> Result<(), ClientError> {
        for (id, action, condition) in STATEMENTS {
            let value: Value = match condition {
                "FunctionUrlAuthType" => "NONE".into(),
                _ => true.into(),
            };
            let statement =
                json!({ "StatementId": id, "Action": action, "Principal": "*", condition: value });
            let target = of.at(&format!("{}/policy", path(of.function)));
            match self.lambda(Method::POST, target, json(&statement)?).await {
                Err(error) if !error.is_conflict() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes back what [`Client::open_url`] did, as far as it is there.
    pub(crate) async fn close_url(&self, of: UrlOf<'_>) -> Result<(), ClientError> {
        for (id, ..) in STATEMENTS {
            let target = of.at(&format!("{}/policy/{id}", path(of.function)));
            match self.lambda(Method::DELETE, target, Bytes::new()).await {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl UrlOf<'_> {
    fn target(self) -> String {
        self.at(&format!("/2021-10-31/functions/{}/url", encode(self.function)))
    }

    fn at(self, target: &str) -> String {
        qualified(target, self.alias)
    }
}
