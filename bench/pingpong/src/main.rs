//! Sends JSON, preceded by its length, over unix sockets to processes that send it back, one message in flight to each,
//! and says how many came back: what a platform could reach that does nothing else.
//!
//!     pingpong SECONDS PROCESSES PROGRAM ARGUMENTS...
//!
//! Each process is started with the path of a socket as its last argument, connects to it and answers.

use std::env;
use std::error::Error;
use std::io;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// Answers before the ones that count, from each process.
const WARM_UP: Duration = Duration::from_millis(300);

const MESSAGE: &[u8] = br#"{"n":1}"#;

/// The processes that answer. They end with it.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for process in &mut self.0 {
            // One that has ended already is what is wanted.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [seconds, count, program, rest @ ..] = arguments.as_slice() else {
        return Err("usage: pingpong SECONDS PROCESSES PROGRAM ARGUMENTS...".into());
    };
    let (seconds, count) = (seconds.parse()?, count.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut taken = runtime.block_on(measure(Duration::from_secs_f64(seconds), count, program, rest))?;
    taken.sort_unstable();
    let at = |part: f64| {
        taken
            .get((taken.len() as f64 * part) as usize)
            .map_or(0, |taken| taken.as_micros())
    };
    let told = json!({
        "per_second": taken.len() as f64 / seconds,
        "p50_us": at(0.5) as u64,
        "p99_us": at(0.99) as u64,
    });
    println!("{told}");
    Ok(())
}

/// How long each answer took.
async fn measure(
    duration: Duration,
    count: usize,
    program: &str,
    arguments: &[String],
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let directory = env::temp_dir().join(format!("hearth-bench-pingpong-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let socket = directory.join("socket");
    let listener = UnixListener::bind(&socket)?;
    let mut processes = Processes(Vec::new());
    let mut connections = Vec::new();
    for _ in 0..count {
        processes.0.push(
            Command::new(program)
                .args(arguments)
                .arg(&socket)
                .env_clear()
                .spawn()?,
        );
        connections.push(listener.accept().await?.0);
    }
    std::fs::remove_dir_all(&directory)?;
    let begin = Instant::now() + WARM_UP;
    let mut players = JoinSet::new();
    for connection in connections {
        players.spawn(play(connection, begin, begin + duration));
    }
    let mut taken = Vec::new();
    while let Some(of_one) = players.join_next().await {
        taken.extend(of_one??);
    }
    Ok(taken)
}

/// Sends and receives until the end.
async fn play(mut connection: UnixStream, begin: Instant, end: Instant) -> io::Result<Vec<Duration>> {
    let mut message = (MESSAGE.len() as u32).to_le_bytes().to_vec();
    message.extend_from_slice(MESSAGE);
    let mut buffer = [0; 4096];
    let mut taken = Vec::new();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(taken);
        }
        connection.write_all(&message).await?;
        let mut received = 0;
        // The length and what it says. Both sides send small messages, so one read is nearly always enough.
        while received < 4 || received < 4 + length(&buffer) {
            match connection.read(&mut buffer[received..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => received += more,
            }
        }
        if sent >= begin {
            taken.push(sent.elapsed());
        }
    }
}

fn length(buffer: &[u8]) -> usize {
    let [a, b, c, d, ..] = buffer else { return 0 };
    u32::from_le_bytes([*a, *b, *c, *d]) as usize
}
