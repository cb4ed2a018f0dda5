//! A proxy before the simulator's proxy, which leads one name elsewhere.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// Starts a relay on 127.0.0.1 and gives back its port. A `CONNECT` to `name` is led to the port `there`; everything else goes to the
/// proxy at the port `otherwise` as it came. It lasts as long as the test's process.
pub fn start(name: &str, there: u16, otherwise: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let wanted = format!("CONNECT {name}:443 ");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let wanted = wanted.clone();
            // A connection that breaks is seen by its client.
            thread::spawn(move || serve(client, &wanted, there, otherwise));
        }
    });
    port
}

fn serve(client: TcpStream, wanted: &str, there: u16, otherwise: u16) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let is_wanted = head.starts_with(wanted);
    let mut upstream = TcpStream::connect(("127.0.0.1", if is_wanted { there } else { otherwise }))?;
    if is_wanted {
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
