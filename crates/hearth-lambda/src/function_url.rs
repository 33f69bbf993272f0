//! The URL of a function or an alias, as it is kept in the store.

use std::net::IpAddr;

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
/// The name that means the client's own machine everywhere.
const LOCAL: &str = "localhost";
/// Before a URL's id in paths, for clients that have no name for this server.
pub const URL_PATH: &str = "/_hearth/url/";
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
        match Site::of(host) {
            Site::Named(domain) => format!("http://{}.lambda-url.{}.{domain}/", self.id, self.scope.region),
            Site::Address(authority) => format!("http://{authority}{URL_PATH}{}/", self.id),
        }
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

/// Where this server answers for URLs.
#[derive(Debug, PartialEq, Eq)]
enum Site {
    /// On every name below this one.
    Named(String),
    /// Below [`URL_PATH`] only.
    Address(Authority),
}

impl Site {
    /// The site for a client that reached this server as `host`. Names below `localhost` mean the client's own machine
    /// everywhere; below the address of another machine there are no names; and whoever gives a server a name of its
    /// own also has the names below it.
    fn of(host: &str) -> Self {
        let Ok(authority) = host.parse::<Authority>() else {
            return Self::Named(LOCAL.to_owned());
        };
        let name = authority.host().to_ascii_lowercase();
        let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        let name = match address {
            Some(address) if !address.is_loopback() && !address.is_unspecified() => {
                return Self::Address(authority);
            }
            Some(_) => LOCAL,
            None if name.ends_with(".localhost") => LOCAL,
            None => &name,
        };
        Self::Named(match authority.port_u16() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        })
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
    fn the_address_leads_back_to_this_server() {
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
            assert_eq!(Site::of(host), Site::Named(expected.to_owned()), "{host}");
        }
        for host in ["10.1.2.3:4566", "169.254.100.1:4566", "[2001:db8::1]"] {
            assert_eq!(Site::of(host), Site::Address(host.parse().unwrap()));
        }
    }

    proptest! {
        #[test]
        fn any_host_makes_an_address(host in ".{0,40}") {
            let _ = Site::of(&host);
        }
    }
}
