//! What each test works on: a home of its own, a database, the binary, and Docker as a witness.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// One test's world.
pub(crate) struct Bench {
    dir: TempDir,
    /// Whether Docker is a socket that is not there.
    pub(crate) docker_host: Option<String>,
}

/// What a call of the binary gave.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The call ended with this code; else everything it said is shown.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }
}

/// The columns of a new row: name, provider, `http_port`, `https_port`, `pf_port`, subnet.
pub(crate) type NewRow<'r> = (&'r str, &'r str, u16, u16, u16, &'r str);

impl Bench {
    /// A new world with an empty table.
    pub(crate) fn new() -> Self {
        assert!(
            std::env::var_os("ROLLCALL_TEST_NETNS").is_some(),
            "there is no engine of its own here: scripts/engine run DIR -- cargo test -- --include-ignored"
        );
        let bench = Self {
            dir: tempfile::tempdir().unwrap(),
            docker_host: None,
        };
        let image = |name: &str| std::env::var(name).unwrap();
        let config = format!(
            "[provider.k3d]\nimage = '{}'\n[provider.kind]\nimage = '{}'\n",
            image("ROLLCALL_TEST_K3S_IMAGE"),
            image("ROLLCALL_TEST_KIND_IMAGE")
        );
        fs::write(bench.path("rollcall.toml"), config).unwrap();
        bench.rollcall(&["init"]).code(0);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("roll.db")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// Runs the binary in a home of its own.
    pub(crate) fn rollcall(&self, args: &[&str]) -> Said {
        self.rollcall_on(&self.db(), args)
    }

    /// The same on another database.
    pub(crate) fn rollcall_on(&self, db: &Path, args: &[&str]) -> Said {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command_on(db, args).output().unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// A call that is not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_on(&self.db(), args)
    }

    fn command_on(&self, db: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .arg("--db")
            .arg(db)
            .arg("--config")
            .arg(self.path("rollcall.toml"))
            .args(args)
            .env("HOME", self.dir.path())
            .env("KUBECONFIG", self.kubeconfig())
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME");
        if let Some(host) = &self.docker_host {
            command.env("DOCKER_HOST", host);
        }
        command
    }

    pub(crate) fn sql(&self, statement: &str) {
        Connection::open(self.db())
            .unwrap()
            .execute_batch(statement)
            .unwrap();
    }

    pub(crate) fn query(&self, query: &str) -> Vec<String> {
        let connection = Connection::open(self.db()).unwrap();
        let mut statement = connection.prepare(query).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..columns).map(|i| row.get::<_, rusqlite::types::Value>(i));
            let cells = cells.map(|cell| {
                Ok(match cell? {
                    rusqlite::types::Value::Null => "NULL".to_owned(),
                    rusqlite::types::Value::Integer(n) => n.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{other:?}"),
                })
            });
            Ok(cells
                .collect::<Result<Vec<_>, rusqlite::Error>>()?
                .join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    pub(crate) fn rows(&self, rows: &[NewRow<'_>]) {
        for (name, provider, http, https, forward, subnet) in rows {
            self.sql(&format!(
                "INSERT INTO clusters (name, provider, http_port, https_port, pf_port, node_port, subnet)
                 VALUES ('{name}', '{provider}', {http}, {https}, {forward}, 30080, '{subnet}')"
            ));
        }
    }

    /// The intent columns of every row.
    pub(crate) fn intent(&self) -> Vec<String> {
        self.query(
            "SELECT id, name, provider, subnet, node_port, pf_port, http_port, https_port, desired_state, created_at,
             updated_at FROM clusters ORDER BY name",
        )
    }

    /// A row's status columns.
    pub(crate) fn status(&self, name: &str) -> String {
        self.query(&format!(
            "SELECT actual_state || ' ' || status FROM clusters WHERE name = '{name}'"
        ))
        .join("")
    }

    /// A digest of the main database file.
    pub(crate) fn digest(&self) -> Vec<u8> {
        fs::read(self.db()).unwrap()
    }

    /// The contexts of the kubeconfig.
    pub(crate) fn contexts(&self) -> Vec<String> {
        let Ok(text) = fs::read_to_string(self.kubeconfig()) else {
            return Vec::new();
        };
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        let contexts = config["contexts"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<_> = contexts
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Bench {
    /// Whatever a test did, nothing of it stays on the engine.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "{}",
                docker(&["ps", "-a", "--format", "{{.Names}} {{.State}} {{.Ports}}"])
            );
        }
        sweep_engine();
    }
}

/// Takes everything off the private engine.
pub(crate) fn sweep_engine() {
    let containers = docker(&["ps", "-aq"]);
    let ids: Vec<_> = containers.split_whitespace().collect();
    if !ids.is_empty() {
        docker(&[&["rm", "-fv"], ids.as_slice()].concat());
    }
    docker(&["network", "prune", "-f"]);
    let volumes = docker(&["volume", "ls", "-q"]);
    let names: Vec<_> = volumes.split_whitespace().collect();
    if !names.is_empty() {
        docker(&[&["volume", "rm", "-f"], names.as_slice()].concat());
    }
}

/// Stops the private engine, or kills it, and starts it again.
#[track_caller]
pub(crate) fn restart_engine(kill: bool) {
    let dir = std::env::var("ROLLCALL_TEST_ENGINE").unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/engine");
    let mut command = Command::new(script);
    command.args(["restart", &dir]);
    if kill {
        command.arg("--kill");
    }
    assert!(command.status().unwrap().success());
}

/// The process of the private engine.
pub(crate) fn engine_pid() -> String {
    let dir = std::env::var("ROLLCALL_TEST_ENGINE").unwrap();
    let pid = fs::read_to_string(Path::new(&dir).join("dockerd.pid")).unwrap();
    pid.trim().to_owned()
}

/// Docker's own client, as a witness.
pub(crate) fn docker(args: &[&str]) -> String {
    tool("docker", args).1
}

/// A tool with a kubeconfig that nobody uses.
pub(crate) fn tool(program: &str, args: &[&str]) -> (i32, String) {
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(args)
        .env("KUBECONFIG", scratch.path().join("kubeconfig"))
        .env("HOME", scratch.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text + &String::from_utf8_lossy(&output.stderr),
    )
}

/// Containers, networks (but the engine's own and kind's shared one) and volumes on the engine.
pub(crate) fn on_engine() -> BTreeMap<&'static str, Vec<String>> {
    let list = |args: &[&str]| {
        let mut all: Vec<String> = docker(args).lines().map(str::to_owned).collect();
        all.retain(|name| !["bridge", "host", "none", "kind"].contains(&name.as_str()));
        all.sort();
        all
    };
    BTreeMap::from([
        ("containers", list(&["ps", "-a", "--format", "{{.Names}}"])),
        (
            "networks",
            list(&["network", "ls", "--format", "{{.Name}}"]),
        ),
        ("volumes", list(&["volume", "ls", "-q"])),
    ])
}

/// Every container with its ID, state and start: what must be the same when nothing was touched.
pub(crate) fn fingerprint_of(prefix: &str) -> String {
    let ids = docker(&[
        "ps",
        "-aq",
        "--no-trunc",
        "--filter",
        &format!("name={prefix}"),
    ]);
    ids.split_whitespace()
        .map(|id| {
            docker(&[
                "inspect",
                "-f",
                "{{.Id}} {{.State.Status}} {{.State.StartedAt}}",
                id,
            ])
        })
        .collect()
}

/// What answers on a port of this host.
pub(crate) fn http(port: u16) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return "refused".to_owned();
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}
