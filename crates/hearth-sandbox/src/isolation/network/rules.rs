//! Packet filter rules that hand an environment's TCP connections to the server's socket, for who may not load
//! programs into the kernel: an ordinary user has the rights for this in network namespaces of its own.
//!
//! Two rules of nftables(8), one for IPv4 and one for IPv6, in words:
//! `meta l4proto tcp ip daddr & 255.0.0.0 != 127.0.0.0 tproxy to 169.254.100.1:9001`. The records are those of the
//! kernel's netfilter socket. As with `steering.rs`, a connection keeps its destination, and what goes to loopback
//! is left alone.

use std::io;
use std::net::Ipv6Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use hearth_types::inside;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::sys;

/// Numbers of `linux/netfilter/nf_tables.h` and its neighbours.
mod number {
    pub(super) const BATCH_BEGIN: u16 = 0x10;
    pub(super) const BATCH_END: u16 = 0x11;
    pub(super) const SUBSYSTEM: u16 = 10;
    pub(super) const NEW_TABLE: u16 = SUBSYSTEM << 8;
    pub(super) const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
    pub(super) const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
    /// Before conntrack, as for every transparent proxy.
    pub(super) const PRIORITY: i32 = -150;
    pub(super) const META_L4PROTO: u32 = 16;
    pub(super) const NETWORK_HEADER: u32 = 1;
    pub(super) const EQUAL: u32 = 0;
    pub(super) const NOT_EQUAL: u32 = 1;
}

const NAME: &[u8] = b"hearth\0";
/// The registers of rules: for what is compared, and for where a connection is handed.
const COMPARED: u32 = 1;
const ADDRESS_REGISTER: u32 = 2;
const PORT_REGISTER: u32 = 3;

/// A protocol family and where a packet has its destination.
struct Family {
    number: u8,
    /// The part of the destination that says whether it is loopback's: where it is in the header, and what it is
    /// then.
    place: u32,
    loopback: Vec<u8>,
    /// The socket's address.
    address: Vec<u8>,
}

impl Family {
    fn four() -> Self {
        Self {
            number: libc::NFPROTO_IPV4 as u8,
            place: 16,
            loopback: vec![127],
            address: inside::ADDRESS.octets().to_vec(),
        }
    }

    fn six() -> Self {
        Self {
            number: libc::NFPROTO_IPV6 as u8,
            place: 24,
            loopback: Ipv6Addr::LOCALHOST.octets().to_vec(),
            address: inside::ADDRESS.to_ipv6_mapped().octets().to_vec(),
        }
    }
}

/// Makes the rules in the current namespace. They last as long as it; the result is what made them.
pub(super) fn attach(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    sys::be_transparent(listener)?;
    let flags = SocketFlags::CLOEXEC;
    let protocol = rustix::net::netlink::NETFILTER;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(protocol))?;
    make(&socket, &Family::four())?;
    match make(&socket, &Family::six()) {
        // This kernel has no IPv6, and so nobody connects by it.
        Err(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EAFNOSUPPORT | libc::EOPNOTSUPP | libc::ENOENT)
            ) => {}
        made => made?,
    }
    Ok(socket)
}

/// Whether the rules can be made in the current namespace, which is then left with them: for one that is thrown away.
pub(crate) fn work_here() -> bool {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
    socket.is_ok_and(|socket| attach(socket.as_fd()).is_ok())
}

fn make(socket: &OwnedFd, family: &Family) -> io::Result<()> {
    let order = order(family);
    rustix::net::send(socket, &order, SendFlags::empty())?;
    // Each of the three that asked for it is acknowledged; a refusal comes alone.
    for _ in 0..3 {
        let mut answer = [0; 4096];
        let (_, length) = rustix::net::recv(socket, &mut answer, RecvFlags::empty())?;
        match super::route::error_number(&answer[..length.min(answer.len())]) {
            Some(0) => {}
            Some(error) => return Err(io::Error::from_raw_os_error(error)),
            None => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    Ok(())
}

/// All of it at once: what a batch makes is there whole or not at all.
fn order(family: &Family) -> Vec<u8> {
    let hook = [
        attribute(1, &libc::NF_INET_PRE_ROUTING.to_be_bytes()),
        attribute(2, &number::PRIORITY.to_be_bytes()),
    ];
    let chain = [
        attribute(1, NAME),
        attribute(3, NAME),
        nested(4, &hook.concat()),
        attribute(7, b"filter\0"),
    ];
    let rule = [
        attribute(1, NAME),
        attribute(2, NAME),
        nested(4, &expressions(family)),
    ];
    [
        message(number::BATCH_BEGIN, 0, number::SUBSYSTEM, &[]),
        message(number::NEW_TABLE, family.number, 0, &attribute(1, NAME)),
        message(number::NEW_CHAIN, family.number, 0, &chain.concat()),
        message(number::NEW_RULE, family.number, 0, &rule.concat()),
        message(number::BATCH_END, 0, number::SUBSYSTEM, &[]),
    ]
    .concat()
}

fn expressions(family: &Family) -> Vec<u8> {
    let number = |kind: u16, value: u32| attribute(kind, &value.to_be_bytes());
    let value = |kind: u16, bytes: &[u8]| nested(kind, &attribute(1, bytes));
    let compare = |how: u32, with: &[u8]| {
        let parts = [number(1, COMPARED), number(2, how), value(3, with)];
        expression(b"cmp\0", &parts.concat())
    };
    let set = |register: u32, bytes: &[u8]| {
        expression(b"immediate\0", &[number(1, register), value(2, bytes)].concat())
    };
    let protocol = [number(1, COMPARED), number(2, number::META_L4PROTO)];
    let destination = [
        number(1, COMPARED),
        number(2, number::NETWORK_HEADER),
        number(3, family.place),
        number(4, family.loopback.len() as u32),
    ];
    let target = [
        number(1, family.number.into()),
        number(2, ADDRESS_REGISTER),
        number(3, PORT_REGISTER),
    ];
    [
        expression(b"meta\0", &protocol.concat()),
        compare(number::EQUAL, &[libc::IPPROTO_TCP as u8]),
        expression(b"payload\0", &destination.concat()),
        compare(number::NOT_EQUAL, &family.loopback),
        set(ADDRESS_REGISTER, &family.address),
        set(PORT_REGISTER, &inside::RUNTIME_API_PORT.to_be_bytes()),
        expression(b"tproxy\0", &target.concat()),
    ]
    .concat()
}

fn expression(name: &[u8], data: &[u8]) -> Vec<u8> {
    nested(1, &[attribute(1, name), nested(2, data)].concat())
}

fn attribute(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = 4 + data.len();
    let mut attribute = Vec::with_capacity(length.next_multiple_of(4));
    attribute.extend((length as u16).to_ne_bytes());
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(data);
    attribute.resize(length.next_multiple_of(4), 0);
    attribute
}

fn nested(kind: u16, attributes: &[u8]) -> Vec<u8> {
    attribute(kind | libc::NLA_F_NESTED as u16, attributes)
}

fn message(kind: u16, family: u8, resource: u16, attributes: &[u8]) -> Vec<u8> {
    let batch = kind == number::BATCH_BEGIN || kind == number::BATCH_END;
    let acknowledge = if batch {
        0
    } else {
        libc::NLM_F_ACK | libc::NLM_F_CREATE
    };
    let mut message = Vec::with_capacity(20 + attributes.len());
    message.extend((20 + attributes.len() as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(((libc::NLM_F_REQUEST | acknowledge) as u16).to_ne_bytes());
    // The number and the sender, which nobody asks for.
    message.extend([0; 8]);
    message.extend([family, 0]);
    message.extend(resource.to_be_bytes());
    message.extend(attributes);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_as_long_as_it_says() {
        for family in [Family::four(), Family::six()] {
            let order = order(&family);
            let (mut at, mut messages) = (0, 0);
            while at < order.len() {
                let length = u32::from_ne_bytes(order[at..at + 4].try_into().unwrap()) as usize;
                assert!(length >= 20 && length.is_multiple_of(4), "{length}");
                at += length;
                messages += 1;
            }
            assert_eq!((at, messages), (order.len(), 5));
        }
    }

    #[test]
    fn attributes_are_padded() {
        assert_eq!(attribute(1, b"abc"), [7, 0, 1, 0, b'a', b'b', b'c', 0]);
        assert_eq!(attribute(2, b"abcd").len(), 8);
    }
}
