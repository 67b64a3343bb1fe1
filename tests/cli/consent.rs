//! Consent: a person is asked.

use std::ffi::OsString;
use std::path::PathBuf;

use rollcall::cli::SharedReader;
use rusqlite::Connection;

use crate::scene::Scene;

/// A person who changes the table before answering `y`, as often as there are statements.
struct Person {
    db: PathBuf,
    statements: Vec<&'static str>,
}

impl std::io::Read for Person {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        if !self.statements.is_empty() {
            let db = Connection::open(&self.db).unwrap();
            db.execute_batch(self.statements.remove(0)).unwrap();
        }
        bytes[..2].copy_from_slice(b"y\n");
        Ok(2)
    }
}

#[test]
fn a_person_is_asked_by_name_and_anew_when_the_plan_changed() {
    let scene = Scene::new().two_rows().repaired();
    scene.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'dev'");
    let sandbox = format!("--sandbox={}", scene.path("world").display());
    let args = || {
        ["rollcall", &sandbox, "reconcile", "--repair"]
            .map(OsString::from)
            .to_vec()
    };
    let nobody = SharedReader::new(std::io::empty());
    let blind = scene.call_at(args(), nobody.clone(), (true, false)).code(5);
    assert!(blind.err.contains("--yes"), "{}", blind.err);
    let silent = scene.call_at(args(), nobody, (true, true)).code(5);
    assert!(
        silent.err.contains("delete k3d/dev? [y/N]"),
        "{}",
        silent.err
    );
    let person = std::io::BufReader::new(Person {
        db: scene.db(),
        statements: vec!["UPDATE clusters SET desired_state = 'absent'"],
    });
    let asked = scene
        .call_at(args(), SharedReader::new(person), (true, true))
        .code(0);
    for question in [
        "delete k3d/dev? [y/N]",
        "changed while you were asked",
        "delete k3d/dev and kind/ops? [y/N]",
    ] {
        assert!(asked.err.contains(question), "{question} in {}", asked.err);
    }
}
