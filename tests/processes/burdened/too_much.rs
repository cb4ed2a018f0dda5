//! Senders that send more than is taken.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::another;
use crate::functions_host::FunctionApp;
use crate::host::Host as _;
use crate::simulator::Simulator;

const MANY: usize = 8;
const PATIENCE: Duration = Duration::from_secs(25);
/// What the largest route takes.
const MOST: usize = 32 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
/// What the handler may hold at most, in KiB: less than the smallest instance of Flex Consumption has.
const MOST_RESIDENT: usize = 256 * 1024;

/// Sends a beginning and then a piece again and again, until the other side ends it; answers its status line.
async fn pour(address: SocketAddr, begin: &str, piece: &[u8]) -> String {
    let mut said = Vec::new();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut incoming, mut outgoing) = stream.split();
    let sending = async {
        let mut sent = outgoing.write_all(begin.as_bytes()).await;
        while sent.is_ok() {
            sent = outgoing.write_all(piece).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = incoming.read_to_end(&mut said) => {}
        () = sending => {}
    }
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn are_refused_and_ended_while_others_are_served() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    let post = |path: &str, rest: &str| format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{rest}");
    let chunk = [format!("{PIECE:x}\r\n").as_bytes(), &vec![b'a'; PIECE], b"\r\n"].concat();
    let (plain, header) = (vec![b'a'; PIECE], format!("x-more: {}\r\n", "a".repeat(1000)).into_bytes());
    let senders = [
        (post("/OnOnboardingEvent", "content-length: 1000000000000\r\n\r\n"), plain.as_slice(), "413"),
        (post("/OnOnboardingEvent", "transfer-encoding: chunked\r\n\r\n"), &chunk, "413"),
        (post("/OnActivityLog", &format!("content-length: {}\r\n\r\n", 2 * MOST)), &plain, "413"),
        (post("/OnActivityLog", "transfer-encoding: chunked\r\n\r\n"), &chunk, "413"),
        (post("/api/onboard", "transfer-encoding: chunked\r\n\r\n"), &chunk, "413"),
        (post("/OnOnboardingEvent", ""), &header, "431"),
        (post("/OnOnboardingEvent", "x-one: "), &plain, "431"),
    ];
    let each = senders.iter().flat_map(|sender| std::iter::repeat_n(sender, MANY));
    let pouring = join_all(each.map(async |(begin, piece, status)| {
        let said = timeout(PATIENCE, pour(app.address(), begin, piece)).await;
        (begin.lines().last().unwrap().to_owned(), *status, said)
    }));
    let events: Vec<_> = std::iter::repeat_with(|| another(&event)).take(20).collect();
    let (said, ()) = tokio::join!(pouring, app.work_on(&events, |_| ()));
    for (begin, status, said) in said {
        let said = said.unwrap_or_else(|_| panic!("{begin:?} is still listened to"));
        // Whoever goes on sending may lose the answer to the reset that follows it, and large bodies wait for each other, not for ever.
        assert!(said.is_empty() || said.contains(status) || status == "413" && said.contains("400"), "{begin:?}: {said}");
    }
    let held = app.process.held();
    println!("beside {} senders of too much: {held:?}", senders.len() * MANY);
    assert!(held.peak < MOST_RESIDENT, "{held:?}");
    app.deliver(&event).await;
    assert_eq!(simulator.results().await.len(), 21);
}
