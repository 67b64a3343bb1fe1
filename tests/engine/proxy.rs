//! An engine that does not answer as it should: a socket before the real one.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// As the engine does.
    Well,
    /// With 500, whatever is asked.
    Error,
    /// With what is no HTTP.
    Garbage,
    /// A byte a second.
    Slowly,
    /// With half of what the engine said, and then nothing more.
    Half,
    /// Not at all.
    Never,
}

/// The socket.
pub(crate) struct Proxy {
    pub(crate) socket: PathBuf,
    answers: Arc<Mutex<Answers>>,
}

impl Proxy {
    /// A proxy in this folder, before the engine of this test.
    pub(crate) fn new(dir: &Path, answers: Answers) -> Self {
        let socket = dir.join(format!("{answers:?}.sock"));
        let listener = UnixListener::bind(&socket).unwrap();
        let answers = Arc::new(Mutex::new(answers));
        let now = Arc::clone(&answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = *now.lock().unwrap();
                std::thread::spawn(move || drop(serve(stream, answers)));
            }
        });
        Self { socket, answers }
    }

    pub(crate) fn answers(&self, how: Answers) {
        *self.answers.lock().unwrap() = how;
    }

    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

fn engine() -> UnixStream {
    let host = std::env::var("DOCKER_HOST").unwrap();
    UnixStream::connect(host.strip_prefix("unix://").unwrap()).unwrap()
}

fn serve(mut client: UnixStream, answers: Answers) -> std::io::Result<()> {
    match answers {
        Answers::Well => pass(client, usize::MAX),
        Answers::Half => pass(client, 700),
        Answers::Error => {
            let body = r#"{"message":"out of order"}"#;
            let head = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json";
            let _ = client.read(&mut [0; 8192])?;
            write!(
                client,
                "{head}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Answers::Garbage => {
            let _ = client.read(&mut [0; 8192])?;
            client.write_all(b"\x15\x03\x01 this is no HTTP\r\n\r\n")
        }
        Answers::Slowly => {
            let _ = client.read(&mut [0; 8192])?;
            for byte in
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                    .iter()
                    .cycle()
            {
                client.write_all(&[*byte])?;
                std::thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        }
        Answers::Never => loop {
            let _ = client.read(&mut [0; 8192])?;
            std::thread::sleep(Duration::from_secs(1));
        },
    }
}

/// Hands on what both say, at most so many bytes of the engine's.
fn pass(mut client: UnixStream, most: usize) -> std::io::Result<()> {
    let mut engine = engine();
    let (mut from, mut to) = (client.try_clone()?, engine.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    std::io::copy(&mut Read::by_ref(&mut engine).take(most), &mut client)?;
    client.shutdown(std::net::Shutdown::Both)
}
