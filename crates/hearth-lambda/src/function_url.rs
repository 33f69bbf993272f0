//! The URL of a function or an alias, as it is kept in the store.

use bytes::Bytes;
use hearth_store::{Document, Key, Kind, StoreError};
use hearth_types::{FunctionArn, FunctionName, Qualifier, Scope};
use hearth_wire::lambda::{Cors, FunctionUrlAuthType, FunctionUrlConfig, InvokeMode};
use http::uri::Authority;
use serde::{Deserialize, Serialize};

/// The kind of these documents.
pub(crate) const KIND: Kind = Kind::new("function-url");

/// The letters and digits of a URL's id: it is a label of a host name.
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// How long an id is.
const ID_LENGTH: usize = 32;

/// A function's address on the web, and how it is to be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionUrl {
    /// 32 letters and digits that nobody can guess; the same for as long as there is this URL.
    pub id: String,
    /// Account and region of the function.
    pub scope: Scope,
    /// The function.
    pub name: FunctionName,
    /// The alias, where the URL is that of an alias and not of `$LATEST`.
    pub alias: Option<String>,
    /// Who may use it: whoever the function's policy admits without a signature, or with one.
    pub auth_type: FunctionUrlAuthType,
    /// What pages of other origins may do.
    pub cors: Option<Cors>,
    /// Whether the response is sent whole or as it comes.
    pub invoke_mode: InvokeMode,
    /// `CreationTime`.
    pub created: String,
    /// `LastModifiedTime`.
    pub modified: String,
}

impl FunctionUrl {
    /// The ARN that the URL invokes, with the alias if it has one.
    pub fn arn(&self) -> FunctionArn {
        FunctionArn {
            qualifier: self.alias.clone().map(Qualifier::Alias),
            ..FunctionArn::new(self.scope.clone(), self.name.clone())
        }
    }

    /// The address for a client that reached this server as `host`.
    pub(crate) fn address(&self, host: &str) -> String {
        format!(
            "http://{}.lambda-url.{}.{}/",
            self.id,
            self.scope.region,
            domain(host)
        )
    }

    /// The configuration as GetFunctionUrlConfig and ListFunctionUrlConfigs show it.
    pub(crate) fn shown(&self, host: &str) -> FunctionUrlConfig {
        FunctionUrlConfig {
            function_url: Some(self.address(host)),
            function_arn: Some(self.arn().to_string()),
            creation_time: Some(self.created.clone()),
            last_modified_time: Some(self.modified.clone()),
            cors: self.cors.clone(),
            auth_type: Some(self.auth_type),
            invoke_mode: Some(self.invoke_mode),
        }
    }

    /// The document's body.
    pub(crate) fn to_body(&self) -> Bytes {
        serde_json::to_vec(self)
            .expect("a URL has no key that is not a text")
            .into()
    }

    /// Reads a document.
    pub(crate) fn read(document: &Document) -> Result<Self, StoreError> {
        serde_json::from_slice(&document.body)
            .map_err(|error| StoreError::Corrupt(format!("{}: {error}", document.key)))
    }
}

/// The key of the URL of a function, or of an alias where the ARN has one. A colon is in no function's name.
pub(crate) fn key(arn: &FunctionArn) -> Key {
    let id = match &arn.qualifier {
        None => arn.name.to_string(),
        Some(alias) => format!("{}:{alias}", arn.name),
    };
    Key::new(arn.scope.clone(), KIND, id)
}

/// An id for a new URL.
pub(crate) fn new_id() -> Result<String, getrandom::Error> {
    let mut random = [0; ID_LENGTH];
    getrandom::fill(&mut random)?;
    let letter = |byte: u8| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]);
    Ok(random.into_iter().map(letter).collect())
}

/// The domain below which this server answers for a client that reached it as `host`: names below `localhost` mean the
/// client's own machine everywhere, below an address there are none, and whoever gives the server a name of its own
/// also has the names below it.
fn domain(host: &str) -> String {
    let Ok(authority) = host.parse::<Authority>() else {
        return "localhost".to_owned();
    };
    let name = authority.host().to_ascii_lowercase();
    let is_address = name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok();
    let name = match is_address || name.ends_with(".localhost") {
        true => "localhost",
        false => &name,
    };
    match authority.port_u16() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_labels_that_differ() {
        let (one, other) = (new_id().unwrap(), new_id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
        assert!(
            one.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        );
    }

    #[test]
    fn the_domain_is_one_that_leads_back_to_this_server() {
        for (host, expected) in [
            ("127.0.0.1:4566", "localhost:4566"),
            ("[::1]:8080", "localhost:8080"),
            ("localhost:4566", "localhost:4566"),
            ("LOCALHOST", "localhost"),
            ("lambda.us-east-1.localhost:1", "localhost:1"),
            (
                "localhost.localstack.cloud:4566",
                "localhost.localstack.cloud:4566",
            ),
            ("hearth.example.com", "hearth.example.com"),
            ("", "localhost"),
            ("a b", "localhost"),
        ] {
            assert_eq!(domain(host), expected, "{host}");
        }
    }

    proptest! {
        #[test]
        fn any_host_makes_a_domain(host in ".{0,40}") {
            prop_assert!(!domain(&host).is_empty());
        }
    }
}
