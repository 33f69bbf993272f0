//! Addresses that no function reaches, whatever its policy says.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Where clouds tell a machine its secrets, beside the link-local addresses: Alibaba, Azure, Oracle, AWS and Google.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Why an address is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Loopback, link-local, multicast and the like: they mean something else to everybody.
    #[error("the address is not one of the network's")]
    Special,
    /// The metadata service of a cloud.
    #[error("the address is that of a cloud's metadata service")]
    Metadata,
    /// The host's own, one that its services listen on perhaps, or a broadcast of one of its networks.
    #[error("the address is the host's own")]
    Own,
    /// The host has no way there.
    #[error("the host has no route there")]
    Unreachable,
}

/// Refuses what no function reaches. Asks the kernel, which knows at once of every change.
pub(crate) fn check(address: IpAddr) -> Result<(), Refused> {
    judge(address)?;
    match route_kind(address) {
        Ok(libc::RTN_UNICAST) => Ok(()),
        Ok(libc::RTN_LOCAL | libc::RTN_BROADCAST | libc::RTN_MULTICAST | libc::RTN_ANYCAST) => {
            Err(Refused::Own)
        }
        // What cannot be judged is not reached either.
        Ok(_) | Err(_) => Err(Refused::Unreachable),
    }
}

/// The part that an address itself says.
fn judge(address: IpAddr) -> Result<(), Refused> {
    let address = address.to_canonical();
    if METADATA.contains(&address) {
        return Err(Refused::Metadata);
    }
    let special = match address {
        IpAddr::V4(four) => is_special(four),
        IpAddr::V6(six) => {
            if let Some(four) = embedded(six) {
                judge(four.into())?;
            }
            let segments = six.segments();
            six.is_unspecified()
                || six.is_loopback()
                || six.is_multicast()
                || segments[0] & 0xffc0 == 0xfe80
                // IPv4-compatible, long out of use.
                || segments[..6] == [0; 6]
        }
    };
    if special { Err(Refused::Special) } else { Ok(()) }
}

fn is_special(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    // "This network", and what is reserved since RFC 1112, the limited broadcast among it.
    first == 0 || first >= 240 || address.is_loopback() || address.is_link_local() || address.is_multicast()
}

/// The IPv4 address that gateways make of an IPv6 one: NAT64 (RFC 6052) and 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, _, _, _, _, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

/// The size of a message's header and of a route's, in bytes; see rtnetlink(7).
const MESSAGE: usize = 16;
const ROUTE: usize = 12;

/// How the kernel would send to an address: one of `RTN_*`.
fn route_kind(address: IpAddr) -> io::Result<u8> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::net::send(&socket, &route_request(address), SendFlags::empty())?;
    let mut answer = [0; 4096];
    // The kernel has answered before `send` returns.
    let (_, length) = rustix::net::recv(&socket, &mut answer, RecvFlags::DONTWAIT)?;
    kind_of(&answer[..length.min(answer.len())])
}

/// `ip route get`.
fn route_request(address: IpAddr) -> Vec<u8> {
    let (family, bytes) = match address {
        IpAddr::V4(four) => (libc::AF_INET, four.octets().to_vec()),
        IpAddr::V6(six) => (libc::AF_INET6, six.octets().to_vec()),
    };
    let attribute = (4 + bytes.len()) as u16;
    let length = MESSAGE + ROUTE + usize::from(attribute);
    let mut message = Vec::with_capacity(length);
    message.extend((length as u32).to_ne_bytes());
    message.extend(libc::RTM_GETROUTE.to_ne_bytes());
    message.extend((libc::NLM_F_REQUEST as u16).to_ne_bytes());
    message.extend([0; 8]);
    // Family, bits of the destination; of the rest nothing is asked.
    message.extend([family as u8, (bytes.len() * 8) as u8]);
    message.extend([0; ROUTE - 2]);
    message.extend(attribute.to_ne_bytes());
    message.extend(libc::RTA_DST.to_ne_bytes());
    message.extend(bytes);
    message
}

/// The kind of the route in an answer.
fn kind_of(answer: &[u8]) -> io::Result<u8> {
    const KIND: usize = MESSAGE + 7;
    let number = |at: usize| {
        let bytes = answer.get(at..at + 4)?;
        bytes.try_into().ok().map(i32::from_ne_bytes)
    };
    let message = answer
        .get(4..6)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u16::from_ne_bytes);
    match message {
        Some(libc::RTM_NEWROUTE) => answer
            .get(KIND)
            .copied()
            .ok_or_else(|| io::ErrorKind::InvalidData.into()),
        Some(kind) if i32::from(kind) == libc::NLMSG_ERROR => {
            let error = number(MESSAGE).unwrap_or(-libc::EINVAL);
            Err(io::Error::from_raw_os_error(error.wrapping_neg()))
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(text: &str) -> Result<(), Refused> {
        judge(text.parse().unwrap())
    }

    #[test]
    fn special_addresses_are_refused_however_they_are_written() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.1",
            "169.254.169.254",
            "169.254.100.1",
            "224.0.0.1",
            "239.1.2.3",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
        ] {
            assert_eq!(judged(text), Err(Refused::Special), "{text}");
        }
        for text in [
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:168.63.129.16",
            "64:ff9b::168.63.129.16",
        ] {
            assert_eq!(judged(text), Err(Refused::Metadata), "{text}");
        }
        for text in [
            "10.0.0.1",
            "93.184.215.14",
            "172.17.0.2",
            "192.168.1.1",
            "100.64.0.1",
            "2001:db8::1",
            "fd12::1",
            "64:ff9b::8.8.8.8",
            "2002:808:808::",
        ] {
            assert_eq!(judged(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_kernel_knows_the_hosts_own_addresses() {
        assert_eq!(route_kind(Ipv4Addr::LOCALHOST.into()).unwrap(), libc::RTN_LOCAL);
        assert_eq!(
            route_kind(Ipv4Addr::new(127, 9, 9, 9).into()).unwrap(),
            libc::RTN_LOCAL
        );
        let kind = route_kind(Ipv4Addr::new(224, 0, 0, 1).into());
        assert!(kind.map_or(true, |kind| kind == libc::RTN_MULTICAST));
    }

    proptest! {
        #[test]
        fn any_answer_is_read(answer: Vec<u8>, kind in 0u16..30) {
            let mut answer = answer;
            if let Some(place) = answer.get_mut(4..6) {
                place.copy_from_slice(&kind.to_ne_bytes());
            }
            let _ = kind_of(&answer);
        }

        #[test]
        fn requests_are_as_long_as_they_say(address: u128, four: u32) {
            for (address, length) in [(IpAddr::from(address.to_be_bytes()), 48), (IpAddr::from(four.to_be_bytes()), 36)] {
                let message = route_request(address);
                prop_assert_eq!(message.len(), length);
                prop_assert_eq!(&message[..4], &(length as u32).to_ne_bytes());
            }
        }

        #[test]
        fn mapped_addresses_are_judged_as_what_they_mean(four: u32) {
            let four = Ipv4Addr::from(four);
            prop_assert_eq!(judge(four.into()), judge(four.to_ipv6_mapped().into()));
        }
    }
}
