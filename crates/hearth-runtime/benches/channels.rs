//! What an invocation costs on the way into an environment and out of it, without the system calls.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

use std::hint::black_box;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hearth_runtime::LogSplitter;
use hearth_runtime::frames::{Frame, FrameBuffer, IncomingBody, Invoke, Kind, Message, OutgoingBody};

const EVENT: &[u8] = br#"{"key":"value","n":1}"#;
/// As large as an event may be.
const LARGE: usize = 6 * 1024 * 1024;

fn event_out(event: &Bytes, out: &mut BytesMut) {
    let invoke = Invoke {
        request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        deadline_ms: 1_800_000_000_000,
        invoked_function_arn: "arn:aws:lambda:us-east-1:000000000000:function:hello",
        trace_id: Some("Root=1-6955b900-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"),
        client_context: None,
        cognito_identity: None,
    };
    Frame::invoke(7, &invoke).put(out);
    let mut body = OutgoingBody::new(7, event.clone());
    body.grant(u32::MAX);
    body.for_each(|frame| frame.put(out));
}

fn response(length: usize) -> BytesMut {
    let mut bytes = BytesMut::new();
    for piece in vec![b'x'; length].chunks(hearth_runtime::frames::MAX_PAYLOAD) {
        let payload = Bytes::copy_from_slice(piece);
        let (kind, request) = (Kind::Chunk, 7);
        Frame {
            kind,
            request,
            payload,
        }
        .put(&mut bytes);
    }
    let (kind, request, payload) = (Kind::End, 7, Bytes::new());
    Frame {
        kind,
        request,
        payload,
    }
    .put(&mut bytes);
    bytes
}

fn response_in(bytes: &[u8]) -> Bytes {
    let (mut buffer, mut body) = (FrameBuffer::new(), IncomingBody::new(LARGE));
    for piece in bytes.chunks(64 * 1024) {
        buffer.space().extend_from_slice(piece);
        while let Some(frame) = buffer.next_frame().unwrap() {
            match Message::decode(frame).unwrap() {
                Message::Chunk { body: chunk, .. } => body.push(chunk).unwrap(),
                _ => return body.finish(),
            }
        }
    }
    unreachable!("the response has an end")
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frames");
    for (name, length) in [("small", EVENT.len()), ("6 MiB", LARGE)] {
        group.throughput(Throughput::Bytes(length as u64));
        let event = Bytes::from(vec![b'x'; length]);
        let mut out = BytesMut::new();
        group.bench_function(format!("event, {name}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                event_out(black_box(&event), &mut out);
            });
        });
        let bytes = response(length);
        group.bench_function(format!("response, {name}"), |bencher| {
            bencher.iter(|| response_in(black_box(&bytes)));
        });
    }
}

fn log(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    let lines: Vec<u8> = (0..100)
        .flat_map(|number| {
            format!("line {number} of what a function prints, as long as usual\n").into_bytes()
        })
        .collect();
    group.throughput(Throughput::Bytes(lines.len() as u64));
    let mut splitter = LogSplitter::new();
    let mut events = Vec::new();
    group.bench_function("100 lines", |bencher| {
        bencher.iter(|| {
            events.clear();
            splitter.push(black_box(&lines), SystemTime::UNIX_EPOCH, &mut events);
        });
    });
}

criterion_group!(benches, frames, log);
criterion_main!(benches);
