//! k3d's tools container: it is there while k3d works (`noop`), and `k3d image import` has it save
//! images from the engine into the volume that the nodes share (`save-image`).

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::error::Error;
use crate::shutdown;

/// Where k3d mounts the engine's socket, unless `DOCKER_SOCK` tells it otherwise.
const SOCKET: &str = "/var/run/docker.sock";

/// `noop`, or `save-image -d FILE IMAGE...`.
pub(crate) async fn run(args: &[String]) -> Result<u8, Error> {
    match args {
        [command, flag, file, images @ ..] if command == "save-image" && flag == "-d" => {
            save(Path::new(file), images)?;
        }
        [command, ..] if command == "save-image" => {
            return Err(Error::Other("understand save-image's arguments".to_owned()));
        }
        _ => shutdown::wait().await?,
    }
    Ok(0)
}

fn save(file: &Path, images: &[String]) -> Result<(), Error> {
    let socket = Path::new(SOCKET);
    let mut stream = UnixStream::connect(socket).map_err(Error::file(socket))?;
    let query: Vec<String> = images.iter().map(|name| format!("names={name}")).collect();
    // With version 1.0 the answer comes as it is, and ends with the connection.
    write!(
        stream,
        "GET /images/get?{} HTTP/1.0\r\nHost: docker\r\n\r\n",
        query.join("&")
    )
    .map_err(Error::file(socket))?;
    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status).map_err(Error::file(socket))?;
    let mut header = String::new();
    while header.trim_end() != "" || header.is_empty() {
        header.clear();
        if answer.read_line(&mut header).map_err(Error::file(socket))? == 0 {
            break;
        }
    }
    if status.split(' ').nth(1) != Some("200") {
        let mut message = String::new();
        answer
            .read_to_string(&mut message)
            .map_err(Error::file(socket))?;
        return Err(Error::Other(format!("save images: {}", message.trim())));
    }
    let mut output = std::fs::File::create(file).map_err(Error::file(file))?;
    std::io::copy(&mut answer, &mut output).map_err(Error::file(file))?;
    Ok(())
}
