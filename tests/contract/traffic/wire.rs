//! HTTP/1.1, as much of it as two clients speak that are known: one request for each connection, its length said before.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A head of this size is none.
const LARGEST_HEAD: usize = 64 * 1024;

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path with its query.
    pub(super) path: String,
    /// All headers, their names in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) sort: &'static str,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads a request.
    pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if read.len() > LARGEST_HEAD || stream.read_buf(&mut read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, path) = (words.next(), words.next());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers: BTreeMap<String, String> = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.get("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        let mut body = read.split_off(end + 4);
        while body.len() < length {
            if stream.read_buf(&mut body).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Self {
            method: method.unwrap_or_default().to_owned(),
            path: path.unwrap_or_default().to_owned(),
            headers,
            body,
        })
    }

    /// A header; empty: it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Reply {
    /// JSON, or a text that is none.
    pub(super) fn of(status: u16, answer: &Value) -> Self {
        let (sort, body) = match answer {
            Value::String(text) => ("text/plain", text.clone()),
            Value::Null => ("text/plain", String::new()),
            answer => ("application/json", answer.to_string()),
        };
        Self {
            status,
            sort,
            body: body.into_bytes(),
        }
    }

    /// Writes it, and that nothing more comes.
    pub(super) async fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        let (status, sort, length) = (self.status, self.sort, self.body.len());
        // Neither may have a body.
        let length = if status == 204 {
            String::new()
        } else {
            format!("Content-Length: {length}\r\n")
        };
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Type: {sort}\r\n{length}Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&self.body).await?;
        stream.shutdown().await
    }
}

/// A body as JSON; what is none is a text, and what is empty is null.
pub(super) fn json(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    serde_json::from_slice(body).unwrap_or_else(|_| text())
}
