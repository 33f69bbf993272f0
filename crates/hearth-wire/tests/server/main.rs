//! The server as clients meet it, in raw bytes.
#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod bodies;
mod running;
#[path = "../support/silent.rs"]
mod silent;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use hearth_wire::ServerOptions;
use running::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);
/// Less than any body is waited for.
const PROMPT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

async fn start() -> Running {
    Running::start(ServerOptions::default(), LONG).await
}

/// Reads one answer with a content length.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return String::from_utf8_lossy(&answer).into_owned();
            }
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        assert_ne!(read, 0, "closed after {text:?}");
        answer.extend_from_slice(&piece[..read]);
    }
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(
        timeout(LONG, stream.read(&mut [0; 1])).await.unwrap(),
        Ok(0) | Err(_)
    )
}

#[tokio::test]
async fn health_is_answered_on_a_connection_that_stays_open() {
    let server = start().await;
    let mut stream = server.connect().await;
    for path in ["/health", "/_localstack/health"] {
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(
            answer.ends_with(r#"{"services":{"lambda":"running"}}"#),
            "{answer}"
        );
        assert!(answer.contains("x-amzn-requestid: "), "{answer}");
    }
}

#[tokio::test]
async fn a_payload_comes_back_untouched_however_it_is_sent() {
    let server = start().await;
    let whole = "POST /2015-03-31/functions/f/invocations?Qualifier=7 HTTP/1.1\r\nhost: x\r\n\
                 connection: close\r\ncontent-length: 5\r\n\r\nnot{}";
    let answer = server.exchange(whole.as_bytes()).await;
    assert!(answer.contains("x-amz-executed-version: 7\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nnot{}"), "{answer}");
    let chunked = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   transfer-encoding: chunked\r\n\r\n3\r\nnot\r\n2\r\n{}\r\n0\r\n\r\n";
    assert!(
        server
            .exchange(chunked.as_bytes())
            .await
            .ends_with("\r\n\r\nnot{}")
    );
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_unread() {
    let server = start().await;
    let mut stream = server.connect().await;
    let head =
        "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 7000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.contains("x-amzn-errortype: RequestEntityTooLargeException\r\n"),
        "{answer}"
    );
    assert!(answer.contains(
        "7000000 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
    ));
}

#[tokio::test]
async fn a_stranger_is_refused_before_a_body_of_any_size() {
    let server = start().await;
    for framing in ["content-length: 6000000", "transfer-encoding: chunked"] {
        let mut stream = server.connect().await;
        let head = format!(
            "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: x\r\nauthorization: nobody\r\n{framing}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = timeout(PROMPT, read_answer(&mut stream)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
}

#[tokio::test]
async fn who_sends_a_body_that_is_too_large_gets_to_read_the_answer() {
    let server = start().await;
    let head = "POST /2015-03-31/functions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 70167212\r\n\r\n";
    let mut request = head.as_bytes().to_vec();
    request.resize(head.len() + 70_167_212, b' ');
    let answer = server.exchange(&request).await;
    assert!(
        answer.contains("Request must be smaller than 70167211 bytes for the CreateFunction operation"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_chunked_body_is_refused_when_it_gets_too_large() {
    let server = start().await;
    let head = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                transfer-encoding: chunked\r\n\r\n";
    let mut request = head.as_bytes().to_vec();
    let chunk = [
        format!("{:x}\r\n", 1 << 20).into_bytes(),
        vec![b' '; 1 << 20],
        b"\r\n".to_vec(),
    ]
    .concat();
    request.extend(chunk.repeat(7));
    request.extend_from_slice(b"0\r\n\r\n");
    let answer = server.exchange(&request).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 "),
        "{}",
        &answer[..answer.len().min(300)]
    );
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_is_told_unless_its_body_is_too_large() {
    let server = start().await;
    let mut stream = server.connect().await;
    let head = |length: usize| {
        format!(
            "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    stream.write_all(head(2).as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").await.unwrap();
    assert!(read_answer(&mut stream).await.ends_with("\r\n\r\n{}"));

    let mut refused = server.connect().await;
    refused.write_all(head(7_000_000).as_bytes()).await.unwrap();
    assert!(read_answer(&mut refused).await.starts_with("HTTP/1.1 413 "));
    assert!(is_closed(&mut refused).await);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let options = ServerOptions {
        head_timeout: SHORT,
        ..ServerOptions::default()
    };
    let server = Running::start(options, LONG).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost:").await.unwrap();
    let mut answer = Vec::new();
    timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = start().await;
    let request = format!(
        "GET /health HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "y".repeat(1_000_000)
    );
    let mut stream = server.connect().await;
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 431");
}

#[tokio::test]
async fn bytes_that_are_not_http_are_refused() {
    let server = start().await;
    assert!(
        server
            .exchange(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400")
    );
    assert!(
        server
            .exchange(b"GET /2015-03-31/functions/%ff HTTP/1.1\r\nconnection: close\r\n\r\n")
            .await
            .contains("SerializationException")
    );
}

#[tokio::test]
async fn further_connections_wait_for_a_place() {
    let options = ServerOptions {
        connections: 1,
        ..ServerOptions::default()
    };
    let server = Running::start(options, LONG).await;
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = server.connect().await;
    first.write_all(request).await.unwrap();
    read_answer(&mut first).await;
    let mut second = server.connect().await;
    second.write_all(request).await.unwrap();
    assert!(timeout(SHORT, second.read(&mut [0; 1])).await.is_err());
    drop(first);
    assert!(read_answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_given_up() {
    let options = ServerOptions {
        answer_timeout: SHORT,
        ..ServerOptions::default()
    };
    let server = Running::start(options, LONG).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    // More than the buffers of both ends hold.
    let size = 6_000_000;
    let head = format!(
        "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; size]).await.unwrap();
    let stopped = server.stop();
    timeout(PROMPT, stopped).await.unwrap().unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.len() < size);
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_finishes_running_requests() {
    let server = start().await;
    let mut fresh = server.connect().await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    read_answer(&mut idle).await;
    let mut busy = server.connect().await;
    busy.write_all(
        b"POST /2015-03-31/functions/held/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
    )
    .await
    .unwrap();
    server.gate.held.notified().await;
    let (address, release) = (server.address, server.gate.release.clone());
    let stopped = server.stop();
    assert!(is_closed(&mut fresh).await);
    assert!(is_closed(&mut idle).await);
    assert!(TcpStream::connect(address).await.is_err());
    release.notify_one();
    let answer = read_answer(&mut busy).await;
    assert!(answer.ends_with("\r\n\r\n{}"), "{answer}");
    assert!(is_closed(&mut busy).await);
    timeout(LONG, stopped).await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_that_do_not_finish_are_cut_off_after_the_grace_period() {
    let server = Running::start(ServerOptions::default(), SHORT).await;
    let mut busy = server.connect().await;
    busy.write_all(
        b"POST /2015-03-31/functions/held/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
    )
    .await
    .unwrap();
    server.gate.held.notified().await;
    timeout(LONG, server.stop()).await.unwrap().unwrap();
    assert!(is_closed(&mut busy).await);
}

#[tokio::test]
async fn a_site_gets_what_it_claims() {
    let server = start().await;
    let answer = server
        .exchange(b"POST /site/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc")
        .await;
    assert!(answer.ends_with("\r\n\r\ncba"), "{answer}");
    assert!(answer.contains("x-peer: 127.0.0.1\r\n"), "{answer}");
    assert!(answer.contains("x-amzn-requestid: "), "{answer}");
}

/// A site may answer without the body: a client that waits to be told to send is not told.
#[tokio::test]
async fn a_site_may_answer_before_the_body() {
    let server = start().await;
    let head = "POST /site/closed HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    let answer = server.exchange(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("closed"), "{answer}");
}

/// Bodies with a length and those without are bounded alike.
#[tokio::test]
async fn a_site_has_a_limit() {
    let server = start().await;
    let head = "POST /site/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let sized = format!("{head}content-length: 100001\r\n\r\n{}", "a".repeat(100_001));
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n186a1\r\n{}\r\n0\r\n\r\n",
        "a".repeat(100_001)
    );
    for request in [sized, chunked] {
        let answer = server.exchange(request.as_bytes()).await;
        assert!(answer.ends_with("the body has 100001 bytes"), "{answer}");
    }
}
