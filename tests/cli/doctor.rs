//! The doctor: what is missing or wrong, each with what mends it, and the settings that hold.

use rollcall::clock::{Clock, SystemClock};
use rollcall::store::{Holder, Store, liveness};
use serde_json::Value;

use crate::scene::{Said, Scene};

/// The findings about one thing.
fn findings<'d>(doc: &'d Value, what: &str) -> Vec<&'d Value> {
    let items = doc["items"].as_array().unwrap().iter();
    items.filter(|item| item["what"] == what).collect()
}

fn doctor(scene: &Scene, args: &[&str]) -> (u8, Value) {
    let said: Said = scene.rollcall(&[&["doctor", "-o", "json"], args].concat());
    (said.code, said.json())
}

#[test]
fn a_broken_configuration_is_a_finding_and_an_error_elsewhere() {
    let scene = Scene::new().two_rows();
    let config = scene.path("config.toml");
    for text in [
        "[provider.k3d]\nimgae = 'x'\n",
        "no toml",
        "[management]\nname = 'NOT A NAME'\n",
    ] {
        std::fs::write(&config, text).unwrap();
        let args = ["--config", config.to_str().unwrap()];
        let (code, doc) = doctor(&scene, &args);
        assert_eq!(code, 12, "{doc:#}");
        let found = findings(&doc, "configuration")[0];
        assert_eq!(found["ok"], false);
        assert!(found["remedy"].is_string(), "{found:#}");
        assert_eq!(findings(&doc, "database")[0]["ok"], true);
        scene.rollcall(&[&["status"], &args[..]].concat()).code(2);
    }
    let (code, doc) = doctor(&scene, &["--config", "/nonexistent.toml"]);
    assert_eq!(code, 12, "{doc:#}");
}

#[test]
fn every_setting_says_where_it_comes_from_and_tells_no_secret() {
    let mut scene = Scene::new();
    let config = scene.path("config.toml");
    std::fs::write(&config, "[provider.k3d]\nimage = 'mine:1'\n").unwrap();
    for (name, value) in [
        ("ROLLCALL_STEP_TIMEOUT", "7m"),
        ("ROLLCALL_PROGRESS", "plain"),
        ("DOCKER_HOST", "tcp://me:hunter2@example:2375"),
    ] {
        scene.env.insert(name.to_owned(), value.to_owned());
    }
    let (_, doc) = doctor(
        &scene,
        &["--config", config.to_str().unwrap(), "--color", "never"],
    );
    let settings = doc["settings"].as_array().unwrap();
    for (name, value, origin) in [
        ("--color", "never", "command line"),
        ("--progress", "plain", "environment"),
        ("provider.k3d.image", "mine:1", "file"),
        ("management.name", "devops", "default"),
        ("reconcile --step-timeout", "7m", "environment"),
        ("reconcile --retries", "2", "default"),
    ] {
        let setting = settings.iter().find(|setting| setting["name"] == name);
        let setting = setting.unwrap_or_else(|| panic!("{name} in {doc:#}"));
        assert_eq!(setting["value"], value, "{name}");
        assert_eq!(setting["origin"], origin, "{name}");
    }
    assert!(!doc.to_string().contains("hunter2"), "{doc:#}");
}

#[test]
fn a_row_that_cannot_be_right_is_named_with_its_fault() {
    let scene = Scene::new().two_rows();
    scene.sql("UPDATE clusters SET http_port = 70000 WHERE name = 'dev'");
    let (code, doc) = doctor(&scene, &[]);
    assert_eq!(code, 3, "{doc:#}");
    let rows = findings(&doc, "row");
    assert_eq!(rows.len(), 1, "{doc:#}");
    let message = rows[0]["message"].as_str().unwrap();
    assert!(
        message.contains("dev") && message.contains("70000"),
        "{message}"
    );
    let remedy = rows[0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("SET http_port"), "{remedy}");
}

#[test]
fn a_copy_another_kind_of_world_and_another_engine_are_told_apart() {
    let scene = Scene::new().two_rows().repaired();
    let (_, doc) = doctor(&scene, &[]);
    assert_eq!(findings(&doc, "binding")[0]["ok"], true, "{doc:#}");

    let copy = scene.path("copy.db");
    std::fs::copy(scene.db(), &copy).unwrap();
    let (code, doc) = doctor(&scene, &["--db", copy.to_str().unwrap()]);
    assert_eq!(code, 5, "{doc:#}");
    let remedy = findings(&doc, "binding")[0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("init --moved"), "{remedy}");

    let args = |world: &str| {
        let world = format!("--sandbox={}", scene.path(world).display());
        let db = format!("--db={}", scene.db().display());
        ["rollcall", &world, &db, "doctor", "-o", "json"].map(Into::into)
    };
    let other = scene.call(args("elsewhere").to_vec());
    let doc = other.json();
    assert_eq!(other.code, 9, "{doc:#}");
    let remedy = findings(&doc, "binding")[0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("--sandbox=DIR"), "{remedy}");
    assert!(!doc.to_string().contains("DOCKER_HOST back"), "{doc:#}");

    let mut real = args("world").to_vec();
    real.remove(1);
    let doc = scene.call(real).json();
    let message = findings(&doc, "binding")[0]["message"].as_str().unwrap();
    assert!(message.contains("belongs to the sandbox"), "{message}");
}

#[test]
fn another_sandbox_than_the_ledgers_is_no_matter_of_docker() {
    let scene = Scene::new().two_rows().repaired();
    let world = format!("--sandbox={}", scene.path("elsewhere").display());
    let db = format!("--db={}", scene.db().display());
    for command in [&["status"][..], &["reconcile", "--repair"]] {
        let mut args: Vec<std::ffi::OsString> = vec!["rollcall".into()];
        args.extend([world.clone().into(), db.clone().into()]);
        args.extend(command.iter().map(Into::into));
        let said = scene.call(args).code(9);
        let all = said.out + &said.err;
        assert!(!all.contains("DOCKER_HOST"), "{all}");
        assert!(all.contains("--sandbox=DIR"), "{all}");
    }
}

#[test]
fn a_port_and_a_subnet_that_somebody_else_has_are_named() {
    let scene = Scene::new().with_row();
    scene.says(
        0,
        &["cluster", "add", "k3d/net", "--subnet", "10.101.0.0/24"],
    );
    let (code, doc) = doctor(&scene, &[]);
    assert_eq!(code, 0, "{doc:#}");
    assert_eq!(findings(&doc, "ports")[0]["level"], "good");
    let world = rollcall::sandbox::open(&scene.path("world")).unwrap();
    let port = rollcall::model::Port::parse(18080).unwrap();
    world.foreign_container("web", &[port]).unwrap();
    let subnet = rollcall::model::Subnet::parse("10.101.0.0/16").unwrap();
    world.foreign_network("mine", Some(subnet)).unwrap();
    let (code, doc) = doctor(&scene, &[]);
    assert_eq!(code, 3, "{doc:#}");
    let found = findings(&doc, "ports");
    assert_eq!(found.len(), 2, "{doc:#}");
    for (found, said, remedy) in [
        (
            found[0],
            "container web",
            "cluster set dev --http-port free",
        ),
        (found[1], "network mine", "cluster set net --subnet free"),
    ] {
        assert_eq!(found["ok"], false);
        assert!(found["message"].as_str().unwrap().contains(said), "{found}");
        let told = found["remedy"].as_str().unwrap();
        assert!(told.contains(remedy), "{told}");
    }
}

#[test]
fn in_a_sandbox_tools_have_versions_and_there_is_no_machine() {
    let scene = Scene::new().two_rows();
    let (_, doc) = doctor(&scene, &[]);
    for tool in ["k3d", "kind"] {
        let said = findings(&doc, tool)[0]["message"].as_str().unwrap();
        assert!(said.contains(&format!("{tool} version sandbox")), "{said}");
    }
    for what in ["inotify", "disk", "memory", "cgroup"] {
        assert!(findings(&doc, what).is_empty(), "{doc:#}");
    }
    assert_eq!(findings(&doc, "file system").len(), 1, "{doc:#}");
    scene.says(0, &["sandbox", "say", "docker is down"]);
    let (code, doc) = doctor(&scene, &[]);
    assert_eq!(code, 12, "{doc:#}");
    let found = findings(&doc, "ports")[0];
    assert_eq!(
        (&found["ok"], &found["level"]),
        (&false.into(), &"unknown".into())
    );
    let text = scene.rollcall(&["doctor"]).out;
    assert!(text.contains("unknown ports "), "{text}");
}

#[test]
fn a_lock_that_a_dead_run_left_is_a_note() {
    let scene = Scene::new().two_rows();
    let store = Store::open_write(&scene.db(), &SystemClock).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a process that ends")]
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let dead = Holder {
        pid: child.id(),
        ..Holder::of_this_process("rollcall reconcile --repair")
    };
    let (_, doc) = doctor(&scene, &[]);
    assert!(findings(&doc, "lock").is_empty(), "{doc:#}");
    let lease = store.acquire(&dead, SystemClock.now(), &liveness).unwrap();
    let told = |part: &str| {
        let (code, doc) = doctor(&scene, &[]);
        assert_eq!(code, 0, "{doc:#}");
        let found = findings(&doc, "lock")[0].clone();
        assert_eq!(found["level"], "note");
        assert!(found["message"].as_str().unwrap().contains(part), "{found}");
    };
    told("process is gone");
    store.release(&lease).unwrap();
    let alive = Holder::of_this_process("rollcall reconcile --repair");
    let long_ago = SystemClock.now() - jiff::SignedDuration::from_secs(300);
    store.acquire(&alive, long_ago, &liveness).unwrap();
    told("no sign of life");
    store.acquire(&alive, SystemClock.now(), &liveness).unwrap();
    told("held by");
}

#[test]
fn a_world_that_cannot_be_opened_is_a_finding() {
    let scene = Scene::new();
    std::fs::write(scene.path("world/world.sqlite"), "x".repeat(4096)).unwrap();
    let (code, doc) = doctor(&scene, &[]);
    assert_eq!(code, 12, "{doc:#}");
    assert_eq!(findings(&doc, "world")[0]["ok"], false);
    assert_eq!(findings(&doc, "database")[0]["ok"], true);
}

#[test]
fn a_registrar_that_nobody_switched_on_is_said_to_be_off() {
    let mut scene = Scene::new();
    scene.env.insert(
        "DOCKER_HOST".to_owned(),
        "unix:///nowhere/docker.sock".to_owned(),
    );
    let db = scene.db().display().to_string();
    let call = |words: &[&str]| {
        let all = [&["rollcall", "--db", db.as_str()], words].concat();
        scene.call(all.iter().map(std::ffi::OsString::from).collect())
    };
    let said = call(&["doctor"]);
    assert!(
        said.out.contains("off; haproxy.dir switches it on"),
        "{}",
        said.out
    );
    let config = scene.path("rollcall.toml");
    std::fs::write(&config, "[haproxy]\ndir = '/etc/x'\n").unwrap();
    let said = call(&["--config", &config.display().to_string(), "reconcile"]).code(2);
    assert!(
        said.err.contains("haproxy.files is missing"),
        "{}",
        said.err
    );
    let portainer = "[portainer]\nurl = 'https://x:9443'\nagent_url = 'http://y:9000'\n";
    std::fs::write(&config, portainer).unwrap();
    let config = config.display().to_string();
    let said = call(&["--config", &config, "doctor"]);
    assert!(
        said.out.contains("nothing says who asks it"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("ROLLCALL_PORTAINER_API_KEY"),
        "{}",
        said.out
    );
    // Commands that ask nobody do not need it.
    call(&["--config", &config, "cluster", "add", "k3d/dev"]).code(0);
    std::fs::write(&config, portainer.replace("https://", "https://me:hush@")).unwrap();
    let said = call(&["--config", &config, "reconcile"]).code(2);
    assert!(
        said.err.contains("portainer.url has a user in it"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("hush"), "{}", said.err);
}
