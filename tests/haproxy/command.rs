//! `rollcall import haproxy` as it is called, with a database and its lock.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rollcall::clock::{Clock as _, SystemClock};
use rollcall::registrar::Registrar as _;
use rollcall::store::{Holder, Store, liveness};

use crate::calls::{Said, Scene as Calls};
use crate::imports::overlapping;
use crate::scene::Scene;

/// Commands make runtimes of their own.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

/// A HAProxy with a file to import, the configuration that names it, and an empty database.
struct Called {
    scene: Scene,
    calls: Calls,
}

impl Called {
    fn new() -> Self {
        let scene = block_on(async { overlapping(Scene::on_host()).await });
        let mut calls = Calls::new();
        let docker = format!("unix://{}", calls.path("no-docker.sock").display());
        calls.env.insert("DOCKER_HOST".to_owned(), docker);
        let called = Self { scene, calls };
        let path = |name: &str| called.scene.proxy.path(name).display().to_string();
        let config = format!(
            "[kubeconfig]\nenabled = false\n[haproxy]\ndir = '{}'\nfiles = ['{}']\nsocket = '{}'\n\
             program = '/usr/sbin/haproxy'\n",
            path("rollcall"),
            path("base.cfg"),
            path("master"),
        );
        fs::write(called.calls.path("rollcall.toml"), config).unwrap();
        called.rollcall(&["init"]).code(0);
        called
    }

    fn db(&self) -> PathBuf {
        self.calls.path("real.db")
    }

    fn file(&self) -> PathBuf {
        self.scene.proxy.path("base.cfg")
    }

    fn rollcall(&self, args: &[&str]) -> Said {
        self.rollcall_on(&self.db(), args)
    }

    fn rollcall_on(&self, db: &std::path::Path, args: &[&str]) -> Said {
        let config = self.calls.path("rollcall.toml");
        let mut all = vec![OsString::from("rollcall"), "--db".into(), db.into()];
        all.extend(["--config".into(), config.into_os_string()]);
        all.extend(args.iter().map(OsString::from));
        self.calls.call(all)
    }

    fn import(&self, more: &[&str]) -> Said {
        let file = self.file().display().to_string();
        self.rollcall(&[&["import", "haproxy", &file], more].concat())
    }
}

#[test]
#[ignore = "needs haproxy"]
fn an_import_says_by_its_exit_code_how_it_ended() {
    let mut called = Called::new();
    let whole = fs::read_to_string(called.file()).unwrap();
    let shown = called.import(&[]).code(3);
    assert!(shown.out.contains("to be taken out"), "{}", shown.out);
    called.rollcall(&["import", "haproxy", "/nowhere"]).code(2);
    let strange = called.calls.path("rollcall.toml").display().to_string();
    called.rollcall(&["import", "haproxy", &strange]).code(2);

    let file = called.file().display().to_string();
    let none = called.calls.path("none.db");
    let import = ["import", "haproxy", &file, "--write"];
    let said = called.rollcall_on(&none, &import).code(12);
    assert!(said.err.contains("no database"), "{}", said.err);
    let copy = called.calls.path("copy.db");
    fs::copy(called.db(), &copy).unwrap();
    called.rollcall_on(&copy, &import).code(5);
    fs::write(called.file(), whole.clone() + "nonsense\n").unwrap();
    called.import(&["--write"]).code(5);
    fs::write(called.file(), &whole).unwrap();
    called.scene.proxy.stop();
    let silent = called.import(&["--write"]).code(9);
    assert!(silent.err.contains("master"), "{}", silent.err);
    assert_eq!(fs::read_to_string(called.file()).unwrap(), whole);
    called.scene.proxy.start();

    // What stays twice is drift.
    let (deaf, asks) = (called.file(), "rollcall.map");
    let without = whole.lines().filter(|line| !line.contains(asks));
    fs::write(&deaf, without.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let said = called.import(&["--write"]).code(3);
    assert!(
        said.out.contains("dev stays: frontend http"),
        "{}",
        said.out
    );
    fs::write(called.file(), &whole).unwrap();

    let done = called.import(&["--write", "-o", "json"]).code(0).json();
    assert_eq!(done["written"], true);
    assert_eq!(called.scene.proxy.get("dev"), "k3d/dev");
    fs::write(called.calls.path("rollcall.toml"), "").unwrap();
    let off = called.import(&[]).code(12);
    assert!(off.err.contains("haproxy.dir"), "{}", off.err);
}

#[test]
#[ignore = "needs haproxy"]
fn an_import_waits_for_the_lock_and_reads_anew_under_it() {
    let called = Called::new();
    let store = Store::open_write(&called.db(), &SystemClock).unwrap();
    let other = Holder::of_this_process("rollcall reconcile");
    let lease = store.acquire(&other, SystemClock.now(), &liveness).unwrap();
    let before = fs::read_to_string(called.file()).unwrap();
    let said = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| called.import(&["--write"]));
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(fs::read_to_string(called.file()).unwrap(), before);
        // The one that has it routes to one more cluster meanwhile.
        let other = called.scene.cluster("kind/other");
        block_on(called.scene.registrar.register(&other, None)).unwrap();
        store.release(&lease).unwrap();
        waiting.join().unwrap()
    });
    let said = said.code(0);
    assert!(said.err.contains("waiting for"), "{}", said.err);
    assert!(said.out.contains("dev, other"), "{}", said.out);
    assert!(store.holder().unwrap().is_none());
}
