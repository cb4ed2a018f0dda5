//! Senders that take their time: with the head of a request, with its body, or with saying anything at all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::another;
use crate::functions_host::FunctionApp;
use crate::host::Host as _;
use crate::simulator::Simulator;

/// How many there are of each kind.
const MANY: usize = 60;
/// Between two bytes.
const PAUSE: Duration = Duration::from_millis(200);
/// The latest that the handler may lose its patience, with room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(25);
const HEAD: &str = "POST /OnOnboardingEvent HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n";

/// What a sender says at once, before it goes on byte by byte.
const SENDERS: [(&str, &str); 3] = [
    ("a head that does not end", "POST /OnOnb"),
    ("a body that is announced", "content-length: 3000"),
    ("a body in chunks", "transfer-encoding: chunked"),
];

/// Sends byte after byte until the other side ends it, and answers when that was and what was said.
async fn trickle(address: SocketAddr, begin: &str) -> (Duration, String) {
    let (started, mut said) = (Instant::now(), Vec::new());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(begin.as_bytes()).await;
    let (mut incoming, mut outgoing) = stream.split();
    let sending = async {
        loop {
            sleep(PAUSE).await;
            let piece = if begin.contains("chunked") { "1\r\na\r\n" } else { "a" };
            // Nobody reads it any more: what there is to read says so.
            if outgoing.write_all(piece.as_bytes()).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        // A reset is an end too.
        _ = incoming.read_to_end(&mut said) => {}
        () = sending => {}
    }
    (started.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

fn beginning(kind: &str) -> String {
    if kind.contains(':') { format!("{HEAD}{kind}\r\n\r\n") } else { kind.to_owned() }
}

/// All at once, since most of it is waiting.
#[tokio::test]
async fn are_not_waited_for_without_end() {
    tokio::join!(
        are_ended_in_time_while_others_are_served(),
        do_not_keep_the_handler_from_stopping(),
        who_pauses_between_two_requests_is_waited_for()
    );
}

async fn are_ended_in_time_while_others_are_served() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    let address = app.address();
    let each = SENDERS.iter().flat_map(|sender| std::iter::repeat_n(sender, MANY));
    let senders = join_all(each.map(async |(kind, begin)| (*kind, timeout(PATIENCE, trickle(address, &beginning(begin))).await)));
    let others = async {
        // When all of them are under way.
        sleep(PAUSE * 5).await;
        let started = Instant::now();
        app.work_on(&std::iter::repeat_with(|| another(&event)).take(50).collect::<Vec<_>>(), |_| ()).await;
        started.elapsed()
    };
    let (ended, others) = tokio::join!(senders, others);
    println!("50 events beside {} slow senders: {others:?}", ended.len());
    assert!(others < Duration::from_secs(8), "others were kept waiting: {others:?}");
    for (kind, ended) in ended {
        let (after, said) = ended.unwrap_or_else(|_| panic!("{kind} is still waited for after {PATIENCE:?}"));
        assert!(!kind.contains("body") || said.starts_with("HTTP/1.1 4"), "{kind} ended after {after:?}: {said}");
    }
    assert_eq!(simulator.results().await.len(), 50, "no half request was worked on");
}

async fn do_not_keep_the_handler_from_stopping() {
    let simulator = Simulator::start().await;
    let mut app = FunctionApp::start(&simulator.environment).await;
    let address = app.address();
    let begins: Vec<String> = SENDERS.iter().map(|(_, begin)| beginning(begin)).collect();
    let senders = join_all(begins.iter().map(|begin| trickle(address, begin)));
    let stop = async {
        sleep(PAUSE * 5).await;
        app.process.terminate();
        timeout(PATIENCE, app.process.ended()).await.expect("the handler stops in time")
    };
    let (_, status) = tokio::join!(senders, stop);
    assert_eq!(status.code(), Some(0));
}

async fn who_pauses_between_two_requests_is_waited_for() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    for pause in [0, 14] {
        sleep(Duration::from_secs(pause)).await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await.unwrap();
        let mut said = [0; 15];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 200 OK", "after {pause} s");
        while timeout(PAUSE, stream.read(&mut said)).await.is_ok() {}
    }
}
