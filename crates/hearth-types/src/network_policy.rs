//! Where a function may connect to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a function may connect to, beside Hearth itself. The host's own addresses, link-local ones and their like
/// are never among it, whatever the policy says.
///
/// As text, which is the value of a function's tag [`NetworkPolicy::TAG`]: `none`, `allow`, or hosts separated by
/// spaces or commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NetworkPolicy {
    /// Nowhere.
    None,
    /// Everywhere.
    #[default]
    Allow,
    /// Only to these hosts. Never empty.
    Hosts(Vec<HostRule>),
}

/// A host a function may connect to, and perhaps only on one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    /// The host or hosts.
    pub host: Host,
    /// The only port, 1 to 65535; all of them without.
    pub port: Option<u16>,
}

/// The host or hosts of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// The host of this name: `api.example.com`. In lower case, without a final dot.
    Name(String),
    /// Every host below this name, but not the one of this name: `*.example.com` or `.example.com`.
    Below(String),
    /// The addresses that begin with the same bits: `10.1.0.0/16`, `192.0.2.7`, `2001:db8::/32`.
    Network {
        /// An address of the network.
        address: IpAddr,
        /// How many bits count, 0 to 32 or 128.
        prefix: u8,
    },
}

/// A text that is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// There is nothing in it.
    #[error("a network policy is none, allow, or a list of hosts")]
    Empty,
    /// One of its entries is no host.
    #[error(
        "{0:?} is neither a host name, *.name, an address nor a network such as 10.0.0.0/8, each with or without :port"
    )]
    Entry(String),
    /// It says `none` or `allow` and more than that, or not in lower case.
    #[error("{0:?} is no host; none and allow stand alone, in lower case")]
    Word(String),
}

impl NetworkPolicy {
    /// The tag of a function that holds its policy.
    pub const TAG: &'static str = "hearth:network";
}

impl FromStr for NetworkPolicy {
    type Err = InvalidPolicy;

    fn from_str(text: &str) -> Result<Self, InvalidPolicy> {
        let entries = text.split([' ', ',']).filter(|entry| !entry.is_empty());
        match entries.clone().next() {
            None => Err(InvalidPolicy::Empty),
            Some("none") if text.trim() == "none" => Ok(Self::None),
            Some("allow") if text.trim() == "allow" => Ok(Self::Allow),
            Some(_) => entries.map(entry).collect::<Result<_, _>>().map(Self::Hosts),
        }
    }
}

/// One of several entries, or the only one if that is a host.
fn entry(text: &str) -> Result<HostRule, InvalidPolicy> {
    let is_word = ["none", "allow"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    match is_word {
        true => Err(InvalidPolicy::Word(text.to_owned())),
        false => text.parse(),
    }
}

impl TryFrom<String> for NetworkPolicy {
    type Error = InvalidPolicy;

    fn try_from(text: String) -> Result<Self, InvalidPolicy> {
        text.parse()
    }
}

impl From<NetworkPolicy> for String {
    fn from(policy: NetworkPolicy) -> Self {
        policy.to_string()
    }
}

impl fmt::Display for NetworkPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Allow => f.write_str("allow"),
            Self::Hosts(rules) => {
                let texts: Vec<String> = rules.iter().map(HostRule::to_string).collect();
                f.write_str(&texts.join(" "))
            }
        }
    }
}

impl FromStr for HostRule {
    type Err = InvalidPolicy;

    fn from_str(text: &str) -> Result<Self, InvalidPolicy> {
        let invalid = || InvalidPolicy::Entry(text.to_owned());
        if let Some(host) = Host::parse(text) {
            return Ok(Self { host, port: None });
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(bare) => Host::parse(bare).filter(Host::is_six),
            // The colon of the port is told from the others by the prefix before it.
            None => Host::parse(host).filter(|parsed| !parsed.is_six() || host.contains('/')),
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port != 0);
        Ok(Self {
            host: host.ok_or_else(invalid)?,
            port: Some(port.ok_or_else(invalid)?),
        })
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => self.host.fmt(f),
            // Without brackets, which no tag may contain.
            Some(port) => match self.host {
                Host::Network {
                    address: address @ IpAddr::V6(_),
                    prefix,
                } => write!(f, "{address}/{prefix}:{port}"),
                _ => write!(f, "{}:{port}", self.host),
            },
        }
    }
}

/// The longest host name, in bytes: RFC 1035, 2.3.4, without the final dot.
const LONGEST_NAME: usize = 253;
/// The longest part of one between dots.
const LONGEST_LABEL: usize = 63;

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Some(network) = network(text) {
            return Some(network);
        }
        if let Some(name) = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')) {
            return self::name(name).map(Self::Below);
        }
        // What looks like an address but is none, such as 10.1 or 1.2.3.400, is no name either.
        name(text)
            .filter(|name| name.bytes().any(|byte| byte.is_ascii_alphabetic()))
            .map(Self::Name)
    }

    fn is_six(&self) -> bool {
        matches!(
            self,
            Self::Network {
                address: IpAddr::V6(_),
                ..
            }
        )
    }

    /// Whether it is the host of this name, which may be in any case and end in a dot.
    pub fn is_named(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        match self {
            Self::Name(own) => own.eq_ignore_ascii_case(name),
            Self::Below(parent) => {
                let Some(rest) = name.len().checked_sub(parent.len() + 1) else {
                    return false;
                };
                let Some((host, tail)) = name.split_at_checked(rest) else {
                    return false;
                };
                !host.is_empty() && tail.starts_with('.') && tail[1..].eq_ignore_ascii_case(parent)
            }
            Self::Network { .. } => false,
        }
    }

    /// Whether the address is in this network.
    pub fn contains(&self, other: IpAddr) -> bool {
        let Self::Network { address, prefix } = *self else {
            return false;
        };
        match (address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                (u32::from(own) ^ u32::from(other)) & mask == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                (u128::from(own) ^ u128::from(other)) & mask == 0
            }
            _ => false,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            // Without the asterisk, which no tag may contain.
            Self::Below(name) => write!(f, ".{name}"),
            Self::Network { address, prefix } if *prefix == bits(*address) => address.fmt(f),
            Self::Network { address, prefix } => write!(f, "{address}/{prefix}"),
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS as u8,
        IpAddr::V6(_) => Ipv6Addr::BITS as u8,
    }
}

fn network(text: &str) -> Option<Host> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address.parse().ok()?, Some(prefix)),
        None => (text.parse().ok()?, None),
    };
    let digits = prefix.is_none_or(|prefix| prefix.bytes().all(|byte| byte.is_ascii_digit()));
    let prefix = match prefix {
        None => bits(address),
        Some(prefix) => prefix
            .parse()
            .ok()
            .filter(|prefix| digits && *prefix <= bits(address))?,
    };
    Some(Host::Network { address, prefix })
}

/// A host name in lower case and without a final dot, if it is one.
fn name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (name.len() <= LONGEST_NAME && name.split('.').all(label)).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> NetworkPolicy {
        text.parse().unwrap()
    }

    fn rule(text: &str) -> HostRule {
        text.parse().unwrap()
    }

    #[test]
    fn policies_are_read_and_written() {
        assert_eq!(policy("none"), NetworkPolicy::None);
        assert_eq!(policy(" allow "), NetworkPolicy::Allow);
        for (text, written) in [
            ("api.example.com", "api.example.com"),
            (
                "API.Example.com.:443,*.example.org",
                "api.example.com:443 .example.org",
            ),
            ("10.0.0.0/8 192.0.2.7:80", "10.0.0.0/8 192.0.2.7:80"),
            (
                "2001:db8::1 [2001:db8::/32]:443 [::1]:80 ::1 ::1/128:81",
                "2001:db8::1 2001:db8::/32:443 ::1/128:80 ::1 ::1/128:81",
            ),
            ("localhost, _dmarc.a", "localhost _dmarc.a"),
        ] {
            let read = policy(text);
            assert_eq!(read.to_string(), written, "{text}");
            assert_eq!(policy(written), read, "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_named() {
        assert_eq!("".parse::<NetworkPolicy>(), Err(InvalidPolicy::Empty));
        assert_eq!(" , ".parse::<NetworkPolicy>(), Err(InvalidPolicy::Empty));
        for (text, word) in [
            ("none allow", "none"),
            ("a.example,allow", "allow"),
            ("None", "None"),
        ] {
            let refused = text.parse::<NetworkPolicy>();
            assert_eq!(refused, Err(InvalidPolicy::Word(word.to_owned())), "{text}");
        }
        for entry in [
            "*",
            "*.",
            ".",
            "a..b",
            "-a",
            "a-",
            "a:0",
            "a:65536",
            "a:",
            "a:+1",
            "10.1",
            "1.2.3.400",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "::1/129",
            "http://a",
            "a/b",
            "[10.0.0.1]:80",
            "[a]:80",
            "::1/129:80",
            "2001:db8::/32:0",
            "*.*.a",
            "a*",
            "ä.example",
        ] {
            let refused = entry.parse::<NetworkPolicy>();
            assert_eq!(refused, Err(InvalidPolicy::Entry(entry.to_owned())), "{entry}");
        }
        assert!(format!("{}.com", "a".repeat(64)).parse::<HostRule>().is_err());
        assert!(["a"; 128].join(".").parse::<HostRule>().is_err());
    }

    #[test]
    fn names_are_matched_whole_and_in_any_case() {
        let exact = rule("api.example.com").host;
        assert!(exact.is_named("API.example.com.") && exact.is_named("api.example.com"));
        for other in [
            "example.com",
            "xapi.example.com",
            "api.example.com.evil",
            "a.api.example.com",
            "",
        ] {
            assert!(!exact.is_named(other), "{other}");
        }
        let below = rule("*.example.com").host;
        assert!(below.is_named("a.example.com") && below.is_named("A.b.Example.com."));
        for other in [
            "example.com",
            ".example.com",
            "evilexample.com",
            "a.example.com.evil",
            "",
            "ä.com",
            "éxample.com",
        ] {
            assert!(!below.is_named(other), "{other}");
        }
    }

    #[test]
    fn networks_contain_what_begins_alike() {
        let contains = |network: &str, address: &str| rule(network).host.contains(address.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.255.1.2") && !contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("0.0.0.0/0", "255.255.255.255") && !contains("0.0.0.0/0", "::"));
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.6"));
        assert!(contains("2001:db8::/32", "2001:db8:1::2") && !contains("2001:db8::/32", "2001:db9::"));
        assert!(contains("::/0", "::1") && !contains("::1", "::2"));
        assert!(!contains("a.example", "10.0.0.1"));
    }
}
