//! What the server hears of an environment's network.

use std::net::{IpAddr, SocketAddr, TcpListener as StdTcpListener, UdpSocket as StdUdpSocket};
use std::time::Duration;

use hearth_sandbox::{Listener, Reach, RuntimeIndex, Sandbox, Start};
use hearth_types::inside;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

use crate::environment::Environment;
use crate::node::{Node, Server};
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    suite(
        "network",
        &[
            ("connections_arrive_with_their_destination", connections_arrive),
            ("a_function_reaches_what_it_listens_on_itself", own_loopback),
            ("datagrams_reach_the_resolver_and_nobody_else", datagrams),
            ("a_namespace_of_its_own_making_is_the_same", burst),
        ],
    )
}

/// Connects to every address, says which, and prints what comes back.
const CONNECT: &str = r#"
import ipaddress, socket
for host, port in FACTS["addresses"]:
    try:
        with socket.create_connection((host, port), timeout=10) as client:
            client.sendall(f"{ipaddress.ip_address(host)} {port}".encode())
            client.shutdown(socket.SHUT_WR)
            print("heard", client.makefile().read())
    except OSError as error:
        print("error", error)
"#;

/// Connections to every address that is not loopback's.
const ADDRESSES: [(&str, u16); 7] = [
    ("169.254.100.1", inside::RUNTIME_API_PORT),
    ("169.254.100.1", inside::API_PORT),
    ("93.184.215.14", 443),
    ("10.1.2.3", 1),
    ("169.254.169.254", 80),
    ("2001:db8::7", 80),
    ("::ffff:192.0.2.9", 65535),
];

async fn start(server: &Server, program: &str) -> Result<(Environment, Option<Listener>), Failed> {
    let code = server
        .directory
        .unpack("network", &[("run.py", program.as_bytes())])?;
    let mut booted = server.boot_with(RuntimeIndex(0), 128, Start::Ready).await?;
    let listener = booted.listener.take();
    let environment = Environment::new(booted)?;
    server.claim(&environment, code).await?;
    Ok((environment, listener))
}

async fn run(environment: &mut Environment, facts: Value) -> Outcome {
    let order = json!({"run": "/var/task/run.py", "facts": facts});
    let answer = environment.order(&order).await?.ok_or("the environment ended")?;
    answer
        .get("error")
        .map_or(Ok(()), |error| Err(error.to_string().into()))
}

/// Answers as many connections as there are addresses with the destination they had, and checks that it is what the
/// client thinks.
async fn answer(listener: StdTcpListener) -> Outcome {
    let listener = TcpListener::from_std(listener)?;
    for _ in ADDRESSES {
        let (mut stream, _) = listener.accept().await?;
        let address = stream.local_addr()?;
        let mut meant = String::new();
        stream.read_to_string(&mut meant).await?;
        let (host, port) = meant
            .split_once(' ')
            .ok_or("a client says where it meant to connect")?;
        let meant = SocketAddr::new(host.parse::<IpAddr>()?.to_canonical(), port.parse()?);
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if address != meant {
            return Err(format!("{meant} became {address}").into());
        }
        stream.write_all(address.to_string().as_bytes()).await?;
    }
    Ok(())
}

async fn connections(server: &Server) -> Outcome {
    let (mut environment, listener) = start(server, CONNECT).await?;
    let listener = listener.ok_or("there is no listener")?;
    if listener.reach != Reach::Everything {
        eprintln!("skipped: this kernel hands no connections over");
        return Ok(());
    }
    let answering = tokio::spawn(answer(listener.tcp.into()));
    run(&mut environment, json!({"addresses": ADDRESSES})).await?;
    server.warden.kill(environment.id);
    let (_, output) = environment.end().await?;
    let heard = output.lines().filter(|line| line.starts_with("heard ")).count();
    if heard != ADDRESSES.len() {
        return Err(output.into());
    }
    timeout(Duration::from_secs(10), answering).await??
}

fn connections_arrive() -> Outcome {
    Node::start()?.serve(connections)
}

/// More environments at once than namespaces are ready: some make their own.
fn burst() -> Outcome {
    Node::start()?.serve(async |server| {
        let booted = server.boot_many(24).await?;
        if booted.iter().any(|booted| booted.listener.is_none()) {
            return Err("an environment has no listener".into());
        }
        connections(server).await?;
        for booted in booted {
            server.warden.kill(booted.id);
            booted.exit.await?;
        }
        Ok(())
    })
}

const OWN_SERVER: &str = r#"
import socket, threading
def answer(server):
    while True:
        client, _ = server.accept()
        client.sendall(b"mine")
        client.close()
for family, bound, reached in [(socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET, "0.0.0.0", "127.0.0.1"),
                               (socket.AF_INET, "0.0.0.0", "127.1.2.3"), (socket.AF_INET6, "::1", "::1"),
                               (socket.AF_INET6, "::", "::1"), (socket.AF_INET6, "::", "::ffff:127.0.0.1")]:
    with socket.create_server((bound, 0), family=family, dualstack_ipv6=bound == "::") as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        with socket.create_connection((reached, server.getsockname()[1]), timeout=10) as client:
            assert client.recv(10) == b"mine", reached
for port in [9001, 4566, 53]:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10)
        raise AssertionError(port)
    except ConnectionRefusedError:
        pass
"#;

fn own_loopback() -> Outcome {
    Node::start()?.serve(async |server| {
        let (mut environment, _listener) = start(server, OWN_SERVER).await?;
        run(&mut environment, json!({})).await?;
        server.warden.kill(environment.id);
        environment.end().await.map(drop)
    })
}

const DATAGRAMS: &str = r#"
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(10)
    client.connect(("169.254.100.1", 53))
    client.send(b"question")
    assert client.recv(100) == b"answer"
for host, port in [("169.254.100.1", 54), ("93.184.215.14", 53), ("127.0.0.1", 53), ("192.0.2.1", 9)]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((host, port))
        client.send(b"question")
        try:
            raise AssertionError(client.recv(100))
        except ConnectionRefusedError:
            pass
"#;

fn datagrams() -> Outcome {
    Node::start()?.serve(async |server| {
        let (mut environment, listener) = start(server, DATAGRAMS).await?;
        let dns = listener.and_then(|listener| listener.dns);
        let dns = dns.ok_or("there is no resolver")?;
        let socket = UdpSocket::from_std(StdUdpSocket::from(dns))?;
        let answering = tokio::spawn(async move {
            let mut question = [0; 100];
            let (length, from) = socket.recv_from(&mut question).await?;
            socket.send_to(b"answer", from).await?;
            Ok::<_, std::io::Error>(question[..length].to_vec())
        });
        run(&mut environment, json!({})).await?;
        server.warden.kill(environment.id);
        environment.end().await?;
        match timeout(Duration::from_secs(10), answering).await?? {
            Ok(question) if question == b"question" => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    })
}
