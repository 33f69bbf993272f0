//! Runs `cases/runtime-api`, and throws anything at the server.

#![allow(clippy::unwrap_used, reason = "helpers of a test may panic as the test may")]

mod script;

use std::fs;
use std::path::Path;
use std::time::Duration;

use hearth_runtime::api::{Description, Machine, RuntimeApi};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

fn api() -> RuntimeApi {
    RuntimeApi::new(Machine::new(Description {
        function: "f".to_owned(),
        version: "$LATEST".to_owned(),
        handler: "index.handler".to_owned(),
        account: "000000000000".to_owned(),
    }))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn every_case_of_the_runtime_api_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/runtime-api");
    let mut cases = 0;
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let script = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            runtime().block_on(script::run(&name, script, api()));
            cases += 1;
        }
    }
    assert!(cases > 20, "{cases} cases");
}

/// A client that posts the report of a failed init, and has sent so many bytes of its six million.
async fn reporting(api: &RuntimeApi, bytes: usize) -> tokio::io::DuplexStream {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let api = api.clone();
    tokio::spawn(async move { api.serve(server).await });
    let head = b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\ncontent-length: 6000000\r\n\r\n";
    client.write_all(head).await.unwrap();
    client.write_all(&vec![b'x'; bytes]).await.unwrap();
    client
}

/// Else a function could have the server hold as many large bodies as it has connections.
#[test]
fn one_report_of_an_init_is_read_at_a_time() {
    runtime().block_on(async {
        let api = api();
        let first = reporting(&api, 3_000_000).await;
        let waiting = reporting(&api, 5_999_999);
        tokio::pin!(waiting);
        let early = timeout(Duration::from_millis(300), &mut waiting).await;
        assert!(
            early.is_err(),
            "a second body was read while the first was not complete"
        );
        drop(first);
        timeout(Duration::from_secs(30), waiting).await.unwrap();
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in, the server does not panic.
    #[test]
    fn no_bytes_upset_the_server(
        parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..50),
                Just(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n".to_vec()),
                Just(b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".to_vec()),
                Just(b"POST /2020-01-01/extension/register HTTP/1.1\r\nlambda-extension-name: x\r\n\
                    content-length: 5\r\n\r\n".to_vec()),
                Just(b"5\r\nabcde\r\n0\r\n\r\n".to_vec()),
            ],
            0..6,
        )
    ) {
        runtime().block_on(async move {
            let (mut client, server) = tokio::io::duplex(1 << 16);
            let api = api();
            let served = tokio::spawn(async move { api.serve(server).await });
            for part in parts {
                if client.write_all(&part).await.is_err() {
                    break;
                }
            }
            let _ = client.shutdown().await;
            let mut answer = Vec::new();
            let reading = client.read_to_end(&mut answer);
            let _ = timeout(Duration::from_millis(5), reading).await;
            drop(client);
            // One that holds the beginning of a further request waits on: its environment's end ends it.
            tokio::task::yield_now().await;
            served.abort();
            prop_assert!(!served.await.is_err_and(|error| error.is_panic()));
            Ok(())
        })?;
    }
}
