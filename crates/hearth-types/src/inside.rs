//! The addresses of Hearth's own services as a function's environment sees them.

use std::net::{Ipv4Addr, SocketAddrV4};

/// The address of all of them. It is link-local, so it is nobody's address on any network.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 100, 1);
/// The port of the Runtime API, the Extensions API and the Telemetry API.
pub const RUNTIME_API_PORT: u16 = 9001;
/// The port of Hearth's own API, the AWS services.
pub const API_PORT: u16 = 4566;
/// The port of the resolver, for UDP and TCP.
pub const DNS_PORT: u16 = 53;

/// Where one environment finds Hearth's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The Runtime API, the Extensions API and the Telemetry API.
    pub runtime_api: SocketAddrV4,
    /// Hearth's own API.
    pub api: SocketAddrV4,
}

impl Addresses {
    /// In a network of its own: [`ADDRESS`].
    pub const WALLED: Self = Self {
        runtime_api: SocketAddrV4::new(ADDRESS, RUNTIME_API_PORT),
        api: SocketAddrV4::new(ADDRESS, API_PORT),
    };

    /// `AWS_LAMBDA_RUNTIME_API`: host and port, without a scheme, as on AWS.
    pub fn runtime_api(&self) -> String {
        self.runtime_api.to_string()
    }

    /// `AWS_ENDPOINT_URL`: where the SDKs look for every service.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Self::WALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_the_addresses() {
        assert_eq!(Addresses::WALLED.runtime_api(), "169.254.100.1:9001");
        assert_eq!(Addresses::WALLED.api_url(), "http://169.254.100.1:4566");
    }
}
