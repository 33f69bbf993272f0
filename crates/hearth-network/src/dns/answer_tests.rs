use super::*;

/// A query for a name's records of a kind.
fn query(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend([(kind >> 8) as u8, kind as u8, 0, 1]);
    message
}

/// What a name server answers to a query: these IPv4 addresses, each for an hour.
fn with(query: &[u8], addresses: &[[u8; 4]]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer[7] = addresses.len() as u8;
    for address in addresses {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4]);
        answer.extend(address);
    }
    answer
}

/// A name server on loopback that answers every query with these addresses, over UDP and TCP.
async fn name_server(addresses: &'static [[u8; 4]]) -> Resolver {
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).await.unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        loop {
            let (length, from) = udp.recv_from(&mut query).await.unwrap();
            let answer = with(&query[..length], addresses);
            // Somebody guesses first: neither number nor question are right.
            let mut wrong = answer.clone();
            wrong[0] ^= 1;
            udp.send_to(&wrong, from).await.unwrap();
            wrong[0] ^= 1;
            wrong[13] ^= 1;
            udp.send_to(&wrong, from).await.unwrap();
            udp.send_to(&answer, from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut query).await.unwrap();
            stream.write_all(&framed(&with(&query, addresses))).await.unwrap();
        }
    });
    Resolver::new(vec![address])
}

async fn ask(policy: &str, resolver: &Resolver, message: &[u8]) -> (Access, Vec<u8>) {
    let access = Access::new(policy.parse().unwrap());
    let answer = answer(message, &access, resolver, Transport::Udp).await.unwrap();
    (access, answer)
}

fn code(answer: &[u8]) -> u8 {
    answer[3] & 0xf
}

fn found(answer: &[u8]) -> Vec<String> {
    let found = message::addresses(answer).unwrap();
    found.iter().map(|found| found.address.to_string()).collect()
}

/// Loopback's, link-local and mapped addresses stand in for all that are refused: none is routed anywhere.
#[tokio::test]
async fn a_name_that_leads_back_to_the_host_leads_nowhere() {
    for rebound in [&[[127, 0, 0, 1]], &[[169, 254, 169, 254]], &[[0, 0, 0, 0]]] {
        let (_, answer) = ask("allow", &name_server(rebound).await, &query("evil.example", A)).await;
        assert_eq!((code(&answer), found(&answer)), (0, vec![]));
    }
}

#[tokio::test]
async fn what_the_policy_does_not_name_does_not_exist_and_is_not_asked_for() {
    // Nobody listens there: who asked would get another failure.
    let nobody = Resolver::new(vec!["127.0.0.1:1".parse().unwrap()]);
    for policy in ["none", "other.example", "10.0.0.0/8"] {
        let (_, answer) = ask(policy, &nobody, &query("api.example", A)).await;
        assert_eq!((code(&answer), &answer[..2]), (3, &[7, 7][..]), "{policy}");
    }
    let (_, answer) = ask("allow", &nobody, &query("api.example", A)).await;
    assert_eq!(code(&answer), 2);
}

#[tokio::test]
async fn localhost_is_oneself_whatever_the_policy() {
    let nobody = Resolver::new(vec!["127.0.0.1:1".parse().unwrap()]);
    for name in ["localhost", "LOCALHOST", "api.localhost"] {
        let (_, four) = ask("none", &nobody, &query(name, A)).await;
        assert_eq!(found(&four), ["127.0.0.1"], "{name}");
        let (_, six) = ask("none", &nobody, &query(name, AAAA)).await;
        assert_eq!(found(&six), ["::1"], "{name}");
        let (_, other) = ask("none", &nobody, &query(name, 15)).await;
        assert_eq!((code(&other), other[7]), (0, 0), "{name}");
    }
    let (_, other) = ask("none", &nobody, &query("notlocalhost", A)).await;
    assert_eq!(code(&other), 3);
}

#[tokio::test]
async fn queries_come_back_under_their_own_number_over_both_transports() {
    let resolver = name_server(&[]).await;
    let message = query("a.example", A);
    let access = Access::new("allow".parse().unwrap());
    for transport in [Transport::Udp, Transport::Tcp] {
        let answer = answer(&message, &access, &resolver, transport).await.unwrap();
        assert_eq!((&answer[..2], &answer[12..]), (&[7, 7][..], &message[12..]));
    }
}

#[tokio::test]
async fn what_is_no_query_is_told_so_or_ignored() {
    let nobody = Resolver::new(vec!["127.0.0.1:1".parse().unwrap()]);
    let access = Access::new("allow".parse().unwrap());
    let mut update = query("a.example", A);
    update[2] = 0x28;
    let refused = answer(&update, &access, &nobody, Transport::Udp).await.unwrap();
    assert_eq!(code(&refused), 4);
    let mut response = query("a.example", A);
    response[2] |= 0x80;
    assert_eq!(answer(&response, &access, &nobody, Transport::Udp).await, None);
    assert_eq!(answer(b"short", &access, &nobody, Transport::Udp).await, None);
}

/// Screening alone: which of an answer's addresses are good is the kernel's to say, so they are told to be.
#[test]
fn a_useless_address_gives_way_to_a_good_one() {
    let message = query("a.example", A);
    let read = Query::read(&message).unwrap();
    let access = Access::new("allow".parse().unwrap());
    let none = screen(
        &read,
        Some("a.example"),
        with(&message, &[[127, 0, 0, 1], [169, 254, 0, 1]]),
        &access,
    );
    assert_eq!((code(&none), none[7]), (0, 0));
    let damaged = screen(
        &read,
        None,
        with(&message, &[[127, 0, 0, 1]])[..40].to_vec(),
        &access,
    );
    assert_eq!(code(&damaged), 2);
}
