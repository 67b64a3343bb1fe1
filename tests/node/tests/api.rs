//! The program in the role `api`, as another program starts and ends it.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn it_says_where_it_serves_and_ends_when_it_is_asked_to() {
    let dir = std::env::temp_dir().join(format!("rollcall-api-role-{}", std::process::id()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall-node"))
        .args(["api", "--listen", "127.0.0.1:0", "--dir"])
        .arg(&dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let port: u16 = line.trim().strip_prefix("ready ").unwrap().parse().unwrap();
    let kubeconfig = std::fs::read_to_string(dir.join("kubeconfig")).unwrap();
    let server = format!("server: https://127.0.0.1:{port}\n");
    assert!(kubeconfig.contains(&server), "{kubeconfig}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());

    let id = child.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(asked.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn without_a_folder_it_says_how_to_call_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall-node"))
        .args(["api", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("usage: rollcall-node api --dir DIR"),
        "{said}"
    );
}
