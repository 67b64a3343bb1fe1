//! One sandbox, one database, and calls with captured streams.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rollcall::cli::{SharedReader, SharedWriter, Streams, run};
use rusqlite::Connection;
use serde_json::Value;

/// A buffer that the test reads after the call.
#[derive(Clone, Default)]
pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// One sandbox and its database.
pub(crate) struct Scene {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) env: BTreeMap<String, String>,
}

/// What a call said, and what it returned.
pub(crate) struct Said {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn code(self, code: u8) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}:\n{}", self.out))
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_string_lossy().into_owned();
        let scene = Self {
            dir,
            env: BTreeMap::from([("HOME".to_owned(), home)]),
        };
        scene.rollcall(&["init"]).code(0);
        // Waiting takes no time in this world.
        rollcall::sandbox::open(&scene.path("world"))
            .unwrap()
            .set_pace(0.0)
            .unwrap();
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("world/rollcall.db")
    }

    /// The sandbox's world, as it shows it.
    pub(crate) fn world(&self) -> Value {
        let shown = self.rollcall(&["sandbox", "show", "-o", "json"]).json();
        shown["items"][0].clone()
    }

    pub(crate) fn rollcall(&self, args: &[&str]) -> Said {
        let sandbox = format!("--sandbox={}", self.path("world").display());
        let mut all = vec![OsString::from("rollcall"), sandbox.into()];
        all.extend(args.iter().map(OsString::from));
        self.call(all)
    }

    /// The program itself, in this world.
    pub(crate) fn program(&self) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the program itself")]
        let mut program = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        program
            .arg(format!("--sandbox={}", self.path("world").display()))
            .env("HOME", self.dir.path());
        program
    }

    pub(crate) fn call(&self, args: Vec<OsString>) -> Said {
        self.call_at(args, SharedReader::new(std::io::empty()), (false, false))
    }

    /// With a person, or somebody like one, at standard input and perhaps at standard error.
    pub(crate) fn call_at(
        &self,
        args: Vec<OsString>,
        input: SharedReader,
        ttys: (bool, bool),
    ) -> Said {
        let (out, err) = (Buffer::default(), Buffer::default());
        let streams = Streams {
            input,
            out: SharedWriter::new(out.clone()),
            err: SharedWriter::new(err.clone()),
            env: self.env.clone(),
            in_tty: ttys.0,
            out_tty: false,
            err_tty: ttys.1,
        };
        let code = run(args, streams);
        Said {
            code,
            out: out.text(),
            err: err.text(),
        }
    }

    /// Standard output of a command that must end with this code.
    #[track_caller]
    pub(crate) fn says(&self, code: u8, args: &[&str]) -> String {
        self.rollcall(args).code(code).out
    }

    /// The same as JSON.
    #[track_caller]
    pub(crate) fn json(&self, code: u8, args: &[&str]) -> Value {
        let args = [args, &["-o", "json"]].concat();
        self.rollcall(&args).code(code).json()
    }

    /// One cluster of the status.
    #[track_caller]
    pub(crate) fn cluster(&self, code: u8, address: &str) -> Value {
        let status = self.json(code, &["status"]);
        let clusters = status["clusters"].as_array().unwrap();
        let found = clusters.iter().find(|c| c["address"] == address);
        found
            .unwrap_or_else(|| panic!("{address} is not in {status:#}"))
            .clone()
    }

    pub(crate) fn sql(&self, statement: &str) {
        Connection::open(self.db())
            .unwrap()
            .execute_batch(statement)
            .unwrap();
    }

    pub(crate) fn two_rows(self) -> Self {
        self.rollcall(&[
            "cluster",
            "add",
            "k3d/dev",
            "--http-port",
            "18080",
            "--subnet",
            "10.101.0.0/24",
        ])
        .code(0);
        self.rollcall(&["cluster", "add", "kind/ops", "--pf-port", "19080"])
            .code(0);
        self
    }

    pub(crate) fn with_row(self) -> Self {
        self.says(0, &["cluster", "add", "k3d/dev", "--http-port", "18080"]);
        self
    }

    pub(crate) fn repaired(self) -> Self {
        self.rollcall(&["reconcile", "--repair"]).code(0);
        self
    }
}

/// The document is what its own schema says.
#[track_caller]
pub(crate) fn assert_schema(scene: &Scene, name: &str, document: &Value) {
    let schema = scene.rollcall(&["schema", name]).code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> = validator
        .iter_errors(document)
        .map(|e| e.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
    no_null_arrays(document);
}

/// No list is ever null: a program that loops over it need not ask.
#[track_caller]
pub(crate) fn no_null_arrays(document: &Value) {
    for list in [
        "steps",
        "held",
        "refusals",
        "clusters",
        "items",
        "fields",
        "depends_on",
    ] {
        assert!(
            document.get(list).is_none_or(Value::is_array),
            "{list} in {document:#}"
        );
    }
}
