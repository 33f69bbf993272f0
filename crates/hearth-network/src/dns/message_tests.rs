use proptest::prelude::*;

use super::*;

fn labels(name: &str) -> Vec<u8> {
    let mut written = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        written.push(label.len() as u8);
        written.extend(label.as_bytes());
    }
    written.push(0);
    written
}

fn query(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend(labels(name));
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message
}

/// An answer to a query: its records, each with a name as it is written, a kind, a lifetime and its data.
fn answer(query: &[u8], records: &[(&[u8], u16, u32, &[u8])]) -> Vec<u8> {
    let mut message = query.to_vec();
    message[2] |= 0x80;
    message[7] = records.len() as u8;
    for (name, kind, lifetime, data) in records {
        message.extend(*name);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        message.extend(lifetime.to_be_bytes());
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(*data);
    }
    message
}

const POINTER: &[u8] = &[0xc0, 12];

#[test]
fn a_question_is_read() {
    let message = query("API.Example.com", AAAA);
    let query = Query::read(&message).unwrap();
    assert_eq!(
        (query.name().as_deref(), query.kind, query.id()),
        (Some("api.example.com"), AAAA, [0x12, 0x34])
    );
    let root = self::query("", 2);
    assert_eq!(Query::read(&root).unwrap().name().as_deref(), Some(""));
}

#[test]
fn names_no_host_has_are_not_compared() {
    let mut message = query("aXexample.com", A);
    message[14] = b'.';
    assert_eq!(Query::read(&message).unwrap().name(), None);
    message[14] = 0xe4;
    assert_eq!(Query::read(&message).unwrap().name(), None);
}

#[test]
fn what_is_no_question_is_refused_or_ignored() {
    let good = query("a.example", A);
    assert_eq!(Query::read(&good[..11]).unwrap_err(), None);
    assert_eq!(Query::read(&answer(&good, &[])).unwrap_err(), None);
    assert_eq!(
        Query::read(&good[..good.len() - 1]).unwrap_err(),
        Some(Failure::Unreadable)
    );
    let changed = |at: usize, to: u8| {
        let mut message = good.clone();
        message[at] = to;
        Query::read(&message).unwrap_err()
    };
    // A status query, two questions, a pointer, a label of another kind.
    assert_eq!(changed(2, 0x11), Some(Failure::NotImplemented));
    assert_eq!(changed(5, 2), Some(Failure::Unreadable));
    assert_eq!(changed(12, 0xc0), Some(Failure::Unreadable));
    assert_eq!(changed(12, 0x41), Some(Failure::Unreadable));
    let long = query(&["a"; 128].join("."), A);
    assert_eq!(Query::read(&long).unwrap_err(), Some(Failure::Unreadable));
}

#[test]
fn addresses_are_found_behind_aliases() {
    let query = query("a.example", A);
    let alias = labels("b.example");
    let message = answer(
        &query,
        &[
            (POINTER, 5, 60, &alias),
            (&alias, A, 300, &[192, 0, 2, 1]),
            (
                POINTER,
                AAAA,
                0,
                &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            ),
            // No address has three bytes.
            (POINTER, A, 1, &[1, 2, 3]),
        ],
    );
    let found = addresses(&message).unwrap();
    let texts: Vec<String> = found.iter().map(|found| found.address.to_string()).collect();
    assert_eq!(texts, ["192.0.2.1", "2001:db8::1"]);
    assert_eq!(found[0].lifetime, Duration::from_secs(300));
    assert_eq!(message[found[0].place.clone()], [192, 0, 2, 1]);
    assert_eq!(addresses(&message[..message.len() - 1]), None);
}

#[test]
fn names_that_never_end_are_no_names() {
    let query = query("a.example", A);
    let itself = answer(&query, &[(&[0xc0, query.len() as u8], A, 1, &[1, 2, 3, 4])]);
    assert_eq!(addresses(&itself), None);
    let ahead = answer(&query, &[(&[0xc0, 0xff], A, 1, &[1, 2, 3, 4])]);
    assert_eq!(addresses(&ahead), None);
}

#[test]
fn only_its_own_answer_belongs_to_a_query() {
    let message = query("a.example", A);
    let query = Query::read(&message).unwrap();
    let mut good = answer(&self::query("A.EXAMPLE", A), &[]);
    good[..2].copy_from_slice(&[9, 9]);
    assert!(query.is_answered_by(&good, [9, 9]));
    assert!(!query.is_answered_by(&good, [9, 8]));
    assert!(!query.is_answered_by(&good[..good.len() - 1], [9, 9]));
    assert!(!query.is_answered_by(&self::query("a.example", A), [0x12, 0x34]));
    for other in [self::query("b.example", A), self::query("a.example", AAAA)] {
        assert!(!query.is_answered_by(&answer(&other, &[]), [0x12, 0x34]));
    }
}

#[test]
fn failures_repeat_the_question() {
    let message = query("a.example", A);
    let query = Query::read(&message).unwrap();
    let failed = query.fail(Failure::NoSuchName);
    assert!(query.is_answered_by(&failed, query.id()));
    assert_eq!((failed[2], failed[3], failed.len()), (0x81, 0x83, message.len()));
    assert_eq!(fail_unread(&message, Failure::Unreadable).len(), HEADER);
    let local = query.with_address(Ipv4Addr::LOCALHOST.into());
    assert_eq!(addresses(&local).unwrap()[0].address, Ipv4Addr::LOCALHOST);
    assert_eq!(local[3] & 0xf, 0);
}

proptest! {
    #[test]
    fn any_message_is_read(message: Vec<u8>) {
        let _ = addresses(&message);
        if let Ok(query) = Query::read(&message) {
            query.name();
            prop_assert!(Query::read(&message[..query.end]).is_ok());
            prop_assert!(query.is_answered_by(&query.fail(Failure::Unanswered), query.id()));
        }
    }

    #[test]
    fn damaged_answers_are_read(
        name in "[a-z]{1,9}(\\.[a-z]{1,9}){0,3}", at in 0usize..60, with: u8, cut in 0usize..80
    ) {
        let query = query(&name, A);
        let mut message = answer(&query, &[(POINTER, A, 1, &[1, 2, 3, 4]), (&[1, b'x', 0xc0, 12], 5, 1, POINTER)]);
        prop_assert_eq!(addresses(&message).map(|found| found.len()), Some(1));
        if let Some(byte) = message.get_mut(at) {
            *byte = with;
        }
        message.truncate(message.len().saturating_sub(cut));
        for found in addresses(&message).into_iter().flatten() {
            prop_assert!(found.place.end <= message.len());
        }
    }

    #[test]
    fn names_come_back(name in "[a-zA-Z0-9_-]{1,20}(\\.[a-zA-Z0-9_-]{1,20}){0,5}", kind: u16) {
        let message = query(&name, kind);
        let query = Query::read(&message).unwrap();
        prop_assert_eq!(query.name(), Some(name.to_ascii_lowercase()));
        prop_assert_eq!(query.kind, kind);
    }
}
