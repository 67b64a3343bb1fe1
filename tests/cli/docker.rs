//! The doctor before a Docker: one that says of itself what a test wants, behind a socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use serde_json::{Value, json};

use crate::scene::{Said, Scene, assert_schema};

/// Answers every request as an engine without containers, for as long as the test runs.
fn engine(socket: &Path, info: Value, version: Value) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (info, version) = (info.clone(), version.clone());
            std::thread::spawn(move || answer(stream.unwrap(), &info, &version));
        }
    });
}

fn answer(mut stream: UnixStream, info: &Value, version: &Value) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else {
        return;
    };
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let path = request.split(' ').nth(1).unwrap();
    let path = path.split('?').next().unwrap();
    let body = match path.rsplit('/').next().unwrap() {
        "_ping" => "OK".to_owned(),
        "info" => info.to_string(),
        "version" => version.to_string(),
        "volumes" => json!({"Volumes": [], "Warnings": []}).to_string(),
        _ => "[]".to_owned(),
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
}

/// A program that says this.
fn program(folder: &Path, name: &str, script: &str) {
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The doctor's answer before such an engine.
fn doctor(scene: &mut Scene, info: Value, version: Value) -> Said {
    let socket = scene.path("docker.sock");
    let _ = std::fs::remove_file(&socket);
    engine(&socket, info, version);
    let host = format!("unix://{}", socket.display());
    scene.env.insert("DOCKER_HOST".to_owned(), host);
    let tools = scene.path("tools").display().to_string();
    scene.env.insert("PATH".to_owned(), tools);
    let db = scene.path("roll.db").display().to_string();
    let call = |scene: &Scene, words: &[&str]| {
        let all = [&["rollcall", "--db", db.as_str()], words].concat();
        scene.call(all.into_iter().map(Into::into).collect())
    };
    if !scene.path("roll.db").exists() {
        call(scene, &["init"]).code(0);
        call(scene, &["cluster", "add", "k3d/dev"]).code(0);
        call(scene, &["cluster", "add", "kind/ops"]).code(0);
    }
    call(scene, &["doctor", "-o", "json"])
}

fn finding(doc: &Value, what: &str) -> (String, String, String) {
    let mut items = doc["items"].as_array().unwrap().iter();
    let found = items.find(|item| item["what"] == what);
    let found = found.unwrap_or_else(|| panic!("{what} in {doc:#}"));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("level"), text("message"), text("remedy"))
}

fn with_tools() -> Scene {
    let scene = Scene::new();
    let tools = scene.path("tools");
    std::fs::create_dir(&tools).unwrap();
    program(
        &tools,
        "k3d",
        "echo; echo k3d version v5.9.0; echo k3s version v1.33.6-k3s1",
    );
    program(&tools, "kind", "echo 'kind v0.33.0 go1.26.0 linux/amd64'");
    program(&tools, "docker", "exit 1");
    scene
}

/// The engine of this machine, as it says it.
fn info(kernel: &str) -> Value {
    json!({
        "ID": "one", "ServerVersion": "20.10.24", "CgroupVersion": "1", "DockerRootDir": "/",
        "MemTotal": 2_147_483_648_i64, "KernelVersion": kernel,
    })
}

#[test]
fn docker_its_machine_and_the_tools_say_what_they_are() {
    let mut scene = with_tools();
    let kernel = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let version = json!({"ApiVersion": "1.41", "Version": "20.10.24"});
    let said = doctor(&mut scene, info(&kernel), version);
    let doc = said.json();
    assert_schema(&scene, "doctor", &doc);
    let good = |what: &str, said: &str| {
        let (level, message, _) = finding(&doc, what);
        assert!(
            level == "good" && message.contains(said),
            "{what}: {message}"
        );
    };
    good("docker", "version 20.10.24, API 1.41");
    good("k3d", "tools/k3d; k3d version v5.9.0");
    good("kind", "tools/kind; kind v0.33.0 go1.26.0");
    let (level, message, remedy) = finding(&doc, "memory");
    assert_eq!(level, "note");
    assert!(
        message.contains("2.0 GiB; the 2 clusters of the rows take about 3.0 GiB"),
        "{message}"
    );
    assert!(remedy.contains("stop NAME"), "{remedy}");
    let (level, _, remedy) = finding(&doc, "cgroup");
    assert!(
        level == "note" && remedy.contains("unified_cgroup_hierarchy"),
        "{remedy}"
    );
    // Whatever this machine has, it was looked at.
    let (_, message, _) = finding(&doc, "inotify");
    assert!(message.contains(" instances, "), "{message}");
    let (_, message, _) = finding(&doc, "disk");
    assert!(message.contains("free where Docker's data is"), "{message}");
    finding(&doc, "open files");
}

#[test]
fn another_machines_limits_are_unknown_and_an_old_api_is_wrong() {
    let mut scene = with_tools();
    let tools = scene.path("tools");
    program(&tools, "k3d", "echo no such command >&2; exit 1");
    program(&tools, "kind", "exit 0");
    let version = json!({"ApiVersion": "1.40"});
    let said = doctor(&mut scene, info("another kernel"), version).code(12);
    let doc = said.json();
    let (level, message, remedy) = finding(&doc, "docker");
    assert_eq!(level, "bad");
    assert!(message.contains("1.41 is the oldest"), "{message}");
    assert!(remedy.contains("20.10 or later"), "{remedy}");
    for (what, way_out) in [("inotify", "docker run"), ("disk", "docker system df")] {
        let (level, message, remedy) = finding(&doc, what);
        assert_eq!(level, "unknown", "{what}: {message}");
        assert!(message.contains("another machine"), "{message}");
        assert!(remedy.contains(way_out), "{remedy}");
    }
    for tool in ["k3d", "kind"] {
        let (level, message, _) = finding(&doc, tool);
        assert_eq!(level, "unknown", "{message}");
        assert!(
            message.contains("its version could not be found out"),
            "{message}"
        );
    }
    let ids = doc["items"].as_array().unwrap().iter();
    let mut unknown = ids.filter(|item| item["level"] == "unknown");
    assert!(unknown.all(|item| item["ok"] == false), "{doc:#}");
}
