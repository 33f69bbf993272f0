//! The addresses of Hearth's own services as a function's environment sees them.

use std::net::Ipv4Addr;

/// The address of all of them. It is link-local, so it is nobody's address on any network.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 100, 1);
/// The port of the Runtime API, the Extensions API and the Telemetry API.
pub const RUNTIME_API_PORT: u16 = 9001;
/// The port of Hearth's own API, the AWS services.
pub const API_PORT: u16 = 4566;
/// The port of the resolver, for UDP and TCP.
pub const DNS_PORT: u16 = 53;
/// `AWS_LAMBDA_RUNTIME_API`: host and port, without a scheme, as on AWS.
pub const RUNTIME_API: &str = "169.254.100.1:9001";
/// `AWS_ENDPOINT_URL`: where the SDKs look for every service.
pub const API_URL: &str = "http://169.254.100.1:4566";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_name_the_addresses() {
        assert_eq!(RUNTIME_API, format!("{ADDRESS}:{RUNTIME_API_PORT}"));
        assert_eq!(API_URL, format!("http://{ADDRESS}:{API_PORT}"));
    }
}
