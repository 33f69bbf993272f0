//! Routes by which every address is the namespace's own: records for the kernel's routing socket, see rtnetlink(7).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// The number of the first interface of every namespace, its loopback.
const LOOPBACK: u32 = 1;
/// The size of a message's header, in bytes.
const HEADER: usize = 16;

/// Makes the loopback interface of the current namespace the end of all addresses, IPv4 and IPv6.
pub(super) fn end_every_address_here() -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let route = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    add(route.as_fd(), libc::AF_INET)?;
    match add(route.as_fd(), libc::AF_INET6) {
        // This kernel has no IPv6, or has it switched off.
        Err(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EAFNOSUPPORT | libc::EOPNOTSUPP | libc::EACCES)
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

fn add(socket: BorrowedFd<'_>, family: libc::c_int) -> io::Result<()> {
    rustix::net::send(socket, &everything_is_local(family), SendFlags::empty())?;
    let mut answer = [0; 1024];
    let (_, length) = rustix::net::recv(socket, &mut answer, RecvFlags::empty())?;
    match error_number(&answer[..length.min(answer.len())]) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(error)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The request `ip route add local 0.0.0.0/0 dev lo` makes, or `::/0`.
fn everything_is_local(family: libc::c_int) -> Vec<u8> {
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let mut message = Vec::with_capacity(HEADER + 20);
    // Its length follows.
    message.extend([0; 4]);
    message.extend(libc::RTM_NEWROUTE.to_ne_bytes());
    message.extend((flags as u16).to_ne_bytes());
    // The number and the sender, which nobody asks for.
    message.extend([0; 8]);
    // Family, bits of the destination, of the source, type of service.
    message.extend([family as u8, 0, 0, 0]);
    message.extend([
        libc::RT_TABLE_LOCAL,
        libc::RTPROT_STATIC,
        libc::RT_SCOPE_HOST,
        libc::RTN_LOCAL,
    ]);
    message.extend([0; 4]);
    message.extend(8u16.to_ne_bytes());
    message.extend(libc::RTA_OIF.to_ne_bytes());
    message.extend(LOOPBACK.to_ne_bytes());
    let length = message.len() as u32;
    message[..4].copy_from_slice(&length.to_ne_bytes());
    message
}

/// The error number of an acknowledgement, 0 for success.
pub(super) fn error_number(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let number = i32::from_ne_bytes(answer.get(HEADER..HEADER + 4)?.try_into().ok()?);
    (i32::from(kind) == libc::NLMSG_ERROR).then(|| number.wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_it_says() {
        let message = everything_is_local(libc::AF_INET);
        assert_eq!(message.len(), 36);
        assert_eq!(message[..4], 36u32.to_ne_bytes());
    }

    #[test]
    fn an_acknowledgement_is_read() {
        let mut answer = vec![0; 36];
        answer[4..6].copy_from_slice(&(libc::NLMSG_ERROR as u16).to_ne_bytes());
        assert_eq!(error_number(&answer), Some(0));
        answer[16..20].copy_from_slice(&(-libc::EEXIST).to_ne_bytes());
        assert_eq!(error_number(&answer), Some(libc::EEXIST));
        assert_eq!(error_number(&answer[..19]), None);
        answer[4] = 1;
        assert_eq!(error_number(&answer), None);
        assert_eq!(error_number(&[]), None);
    }
}
