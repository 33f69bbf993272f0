//! As much of DNS messages as policy needs: the question of a query, and the addresses in an answer. RFC 1035.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::time::Duration;

/// The size of a header, in bytes.
const HEADER: usize = 12;
/// The longest name as it is written, in bytes: RFC 1035, 2.3.4.
const LONGEST_NAME: usize = 255;
/// The most pointers followed for one name; each leads back, so that they end anyway.
const POINTERS: usize = 64;

/// Record types.
pub(super) const A: u16 = 1;
pub(super) const AAAA: u16 = 28;
/// The class of everything there is.
const INTERNET: u16 = 1;

/// Why there is no answer, as numbered by RFC 1035, 4.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// FORMERR: the query cannot be read.
    Unreadable = 1,
    /// SERVFAIL: nobody answered it.
    Unanswered = 2,
    /// NXDOMAIN: there is no such name, as far as the environment is concerned.
    NoSuchName = 3,
    /// NOTIMP: it is not a question.
    NotImplemented = 4,
}

/// A query with one question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    message: &'a [u8],
    /// Where the question ends.
    end: usize,
    /// What is asked for.
    pub(super) kind: u16,
}

impl<'a> Query<'a> {
    /// Reads a query, or says with what to answer it; `None` where no answer makes sense.
    pub(super) fn read(message: &'a [u8]) -> Result<Self, Option<Failure>> {
        if message.len() < HEADER || is_answer(message) {
            return Err(None);
        }
        if message[2] >> 3 & 0xf != 0 {
            return Err(Some(Failure::NotImplemented));
        }
        let unreadable = Some(Failure::Unreadable);
        if number(message, 4) != Some(1) {
            return Err(unreadable);
        }
        let end = plain_name_end(message, HEADER).ok_or(unreadable)?;
        let kind = number(message, end).ok_or(unreadable)?;
        number(message, end + 2).ok_or(unreadable)?;
        Ok(Self {
            message,
            end: end + 4,
            kind,
        })
    }

    /// The name it asks for, in lower case and without a final dot. `None` for one that no host has, such as one with
    /// a dot within a label.
    pub(super) fn name(&self) -> Option<String> {
        let mut name = String::new();
        let mut at = HEADER;
        while let length @ 1.. = usize::from(self.message[at]) {
            let label = &self.message[at + 1..at + 1 + length];
            let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if !label.iter().all(is_plain) {
                return None;
            }
            if !name.is_empty() {
                name.push('.');
            }
            name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
            at += 1 + length;
        }
        Some(name)
    }

    /// The query's own number, by which the client knows its answer.
    pub(super) fn id(&self) -> [u8; 2] {
        [self.message[0], self.message[1]]
    }

    /// The question, as it is written.
    fn question(&self) -> &'a [u8] {
        &self.message[HEADER..self.end]
    }

    /// Whether a message is the answer to this query under another number.
    pub(super) fn is_answered_by(&self, answer: &[u8], id: [u8; 2]) -> bool {
        let question = answer.get(HEADER..self.end);
        answer.starts_with(&id)
            && is_answer(answer)
            && number(answer, 4) == Some(1)
            && question.is_some_and(|question| question.eq_ignore_ascii_case(self.question()))
    }

    /// An answer that there is none.
    pub(super) fn fail(&self, failure: Failure) -> Vec<u8> {
        let mut answer = head(self.message, failure as u8);
        answer[5] = 1;
        answer.extend(self.question());
        answer
    }

    /// An answer with one address, for a short time.
    pub(super) fn with_address(&self, address: IpAddr) -> Vec<u8> {
        let mut answer = self.fail(Failure::NoSuchName);
        // It is none after all.
        answer[3] &= 0xf0;
        answer[7] = 1;
        let (kind, bytes) = match address {
            IpAddr::V4(four) => (A, four.octets().to_vec()),
            IpAddr::V6(six) => (AAAA, six.octets().to_vec()),
        };
        // The name is the one at the beginning of the question.
        answer.extend([0xc0, HEADER as u8]);
        for number in [kind, INTERNET, 0, 60, bytes.len() as u16] {
            answer.extend(number.to_be_bytes());
        }
        answer.extend(bytes);
        answer
    }

    /// An answer without any record of the kind that was asked for.
    pub(super) fn without_records(&self) -> Vec<u8> {
        let mut answer = self.fail(Failure::NoSuchName);
        answer[3] &= 0xf0;
        answer
    }
}

/// The answer to a message whose question cannot be read.
pub(super) fn fail_unread(message: &[u8], failure: Failure) -> Vec<u8> {
    head(message, failure as u8)
}

/// The header of an answer without records.
fn head(message: &[u8], code: u8) -> Vec<u8> {
    let mut head = message[..2].to_vec();
    // An answer to this kind of query, which wished for recursion or not; recursion is available.
    head.extend([0x80 | message[2] & 0x79, 0x80 | code]);
    head.extend([0; 8]);
    head
}

fn is_answer(message: &[u8]) -> bool {
    message.get(2).is_some_and(|flags| flags & 0x80 != 0)
}

/// An address in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) address: IpAddr,
    /// How long it may be kept.
    pub(super) lifetime: Duration,
    /// Where its bytes are.
    pub(super) place: Range<usize>,
}

/// The addresses in the answer section of a message; `None` if it is not one.
pub(super) fn addresses(message: &[u8]) -> Option<Vec<Address>> {
    let mut at = HEADER;
    for _ in 0..number(message, 4)? {
        at = name_end(message, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..number(message, 6)? {
        let head = name_end(message, at)?;
        let [kind, class, high, low, length] = [0, 2, 4, 6, 8].map(|offset| number(message, head + offset));
        let place = head + 10..head + 10 + usize::from(length?);
        let data = message.get(place.clone())?;
        if let Some(address) = address(kind?, class?, data) {
            let seconds = u64::from(high?) << 16 | u64::from(low?);
            found.push(Address {
                address,
                lifetime: Duration::from_secs(seconds),
                place: place.clone(),
            });
        }
        at = place.end;
    }
    Some(found)
}

fn address(kind: u16, class: u16, data: &[u8]) -> Option<IpAddr> {
    match (kind, class) {
        (A, INTERNET) => <[u8; 4]>::try_from(data)
            .ok()
            .map(|bytes| Ipv4Addr::from(bytes).into()),
        (AAAA, INTERNET) => <[u8; 16]>::try_from(data)
            .ok()
            .map(|bytes| Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at.checked_add(2)?)?;
    bytes.try_into().ok().map(u16::from_be_bytes)
}

/// Where a name that is written out ends.
fn plain_name_end(message: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match usize::from(*message.get(at)?) {
            0 => return (at + 1 - start <= LONGEST_NAME).then_some(at + 1),
            length @ 1..64 => at += 1 + length,
            // A pointer, or nothing known.
            _ => return None,
        }
    }
}

/// Where a name ends that may go on elsewhere. What it goes on with is checked too.
fn name_end(message: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut end) = (start, None);
    let mut part = start;
    for _ in 0..POINTERS {
        loop {
            match usize::from(*message.get(at)?) {
                0 => return end.or(Some(at + 1)),
                length @ 1..64 => at += 1 + length,
                high @ 0xc0.. => {
                    let target = (high & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
                    end = end.or(Some(at + 2));
                    // It leads back, so that names end.
                    if target >= part {
                        return None;
                    }
                    (at, part) = (target, target);
                    break;
                }
                _ => return None,
            }
        }
    }
    None
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
