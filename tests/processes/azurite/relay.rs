//! A proxy before the simulator's proxy, which leads some names elsewhere.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// Starts a relay on 127.0.0.1 and gives back its port. A `CONNECT` to a name is led to its port; everything else goes to the proxy at the
/// port `otherwise` as it came. It lasts as long as the test's process.
pub fn start(names: Vec<(String, u16)>, otherwise: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let wanted: Vec<(String, u16)> = names.into_iter().map(|(name, port)| (format!("CONNECT {name}:443 "), port)).collect();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let wanted = wanted.clone();
            // A connection that breaks is seen by its client.
            thread::spawn(move || serve(client, &wanted, otherwise));
        }
    });
    port
}

fn serve(client: TcpStream, wanted: &[(String, u16)], otherwise: u16) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let there = wanted.iter().find(|(start, _)| head.starts_with(start)).map(|(_, port)| *port);
    let mut upstream = TcpStream::connect(("127.0.0.1", there.unwrap_or(otherwise)))?;
    if there.is_some() {
        (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    } else {
        upstream.write_all(head.as_bytes())?;
    }
    let (mut from_upstream, mut to_client) = (upstream.try_clone()?, client);
    let back = thread::spawn(move || {
        let copied = io::copy(&mut from_upstream, &mut to_client);
        to_client.shutdown(Shutdown::Both).and(copied)
    });
    io::copy(&mut reader, &mut upstream)?;
    upstream.shutdown(Shutdown::Write)?;
    let _ = back.join();
    Ok(())
}
