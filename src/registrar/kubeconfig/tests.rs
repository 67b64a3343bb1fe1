//! What is somebody else's stays, whatever is registered beside it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use super::Kubeconfig;
use super::apply::Asked;
use super::lock::{LockFile, Signature, path_of};
use super::wire::Document;
use crate::model::{ProviderId, RegistrarView, Seen};
use crate::process::Process;
use crate::registrar::scene::{self, access, id};
use crate::registrar::{Fault, RegisterOrder, Registrar};

const FOREIGN: &str = "# mine
apiVersion: v1
kind: Config
current-context: prod
preferences: {}
clusters:
- name: prod
  cluster: {server: 'https://prod.example:6443', certificate-authority: /etc/ca.pem}
contexts:
- name: prod
  context: {cluster: prod, user: me, namespace: web}
users:
- name: me
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, args: ['no', '0123', '1e3', null], env: null}
";

/// An order for a cluster that publishes nothing.
fn order(cluster: &str, ca: &str) -> RegisterOrder {
    scene::order(cluster, ca, &[])
}

fn registrar(path: &Path) -> Kubeconfig {
    Kubeconfig::new(
        path.to_owned(),
        ["k3d", "kind"].map(ProviderId::new).to_vec(),
    )
}

async fn view(registrar: &Kubeconfig) -> RegistrarView {
    match registrar.observe(Duration::from_secs(5)).await {
        Seen::Known(view) => view,
        Seen::Unknown(unseen) => panic!("{unseen:?}"),
    }
}

#[tokio::test]
async fn foreign_entries_survive_byte_for_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, FOREIGN).unwrap();
    let registrar = registrar(&path);
    let before: serde_json::Value = serde_saphyr::from_str(FOREIGN).unwrap();
    let one = registrar
        .register(&order("k3d/dev", "Q0E="), None)
        .await
        .unwrap();
    registrar
        .register(&order("kind/dev", "Q0E="), None)
        .await
        .unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("admin@k3d-dev") && text.contains("kind-dev"),
        "{text}"
    );
    let seen = view(&registrar).await;
    assert_eq!(
        seen.entries
            .keys()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["k3d/dev", "kind/dev"]
    );
    let two = seen.entries[&id("kind/dev")].fingerprint.clone();
    registrar.deregister(&id("k3d/dev"), &one).await.unwrap();
    registrar.deregister(&id("kind/dev"), &two).await.unwrap();
    let after: serde_json::Value =
        serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(after, before);
}

#[tokio::test]
async fn the_mode_and_the_link_stay() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real");
    let link = dir.path().join("config");
    fs::write(&real, FOREIGN).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    registrar(&link)
        .register(&order("k3d/dev", "Q0E="), None)
        .await
        .unwrap();
    assert!(
        fs::symlink_metadata(&link)
            .unwrap()
            .file_type()
            .is_symlink()
    );
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(
        fs::read_to_string(&real)
            .unwrap()
            .contains("current-context: prod")
    );
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "no lock and no temporary file is left"
    );
}

#[tokio::test]
async fn the_owner_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, FOREIGN).unwrap();
    let mine = fs::metadata(&path).unwrap();
    let owner = if mine.uid() == 0 {
        // What sudo meets: root writes what is a user's.
        std::os::unix::fs::chown(&path, Some(1234), Some(5678)).unwrap();
        (1234, 5678)
    } else {
        (mine.uid(), mine.gid())
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    registrar(&path)
        .register(&order("k3d/dev", "Q0E="), None)
        .await
        .unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.uid(), after.gid()), owner);
    assert_eq!(after.permissions().mode() & 0o7777, 0o640);
}

#[tokio::test]
async fn what_is_no_regular_file_is_not_read_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, folder) = (dir.path().join("pipe"), dir.path().join("folder"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    fs::create_dir(&folder).unwrap();
    for (path, what) in [
        (pipe.as_path(), "a pipe"),
        (folder.as_path(), "a directory"),
        (Path::new("/dev/null"), "a device"),
    ] {
        let registrar = registrar(path);
        let seen = registrar.observe(Duration::from_secs(5)).await;
        let unseen = seen.unknown().unwrap_or_else(|| panic!("{what} was read"));
        assert!(unseen.error.contains(what), "{}", unseen.error);
        let kind = fs::metadata(path).unwrap().file_type();
        assert!(!kind.is_file());
        assert!(registrar.access(&id("k3d/dev")).await.is_none());
        if path.starts_with(dir.path()) {
            let written = registrar.register(&order("k3d/dev", "Q0E="), None).await;
            assert!(written.is_err_and(|error| error.message.contains(what)));
            assert_eq!(fs::metadata(path).unwrap().file_type(), kind);
        }
    }
}

#[tokio::test]
async fn a_new_file_is_private_and_switches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/config");
    registrar(&path)
        .register(&order("k3d/dev", "Q0E="), None)
        .await
        .unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        !fs::read_to_string(&path)
            .unwrap()
            .contains("current-context")
    );
}

#[tokio::test]
async fn an_entry_that_changed_meanwhile_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let registrar = registrar(&path);
    let first = registrar
        .register(&order("k3d/dev", "Q0E="), None)
        .await
        .unwrap();
    let again = registrar
        .register(&order("k3d/dev", "T1RIRVI="), None)
        .await;
    assert_eq!(again.map_err(|e| e.fault), Err(Fault::NotOurs));
    let second = registrar
        .register(&order("k3d/dev", "T1RIRVI="), Some(&first))
        .await
        .unwrap();
    assert_ne!(first, second);
    assert_eq!(
        registrar
            .deregister(&id("k3d/dev"), &first)
            .await
            .map_err(|e| e.fault),
        Err(Fault::NotOurs)
    );
    assert_eq!(
        registrar.deregister(&id("k3d/other"), &first).await,
        Ok(()),
        "gone is fine"
    );
}

#[tokio::test]
async fn a_torn_file_is_unknown_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    for torn in [
        "clusters: [\n  {name: x, token: geheim",
        "- a list",
        "\u{0}\u{1}",
    ] {
        fs::write(&path, torn).unwrap();
        let registrar = registrar(&path);
        let seen = registrar.observe(Duration::from_secs(5)).await;
        let unseen = seen
            .unknown()
            .unwrap_or_else(|| panic!("{torn:?} was read"));
        assert!(!unseen.error.contains("geheim"), "{}", unseen.error);
        assert!(
            registrar
                .register(&order("k3d/dev", "Q0E="), None)
                .await
                .is_err()
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), torn);
    }
}

#[tokio::test]
async fn six_writers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, FOREIGN).unwrap();
    let writers = (0..6).map(|n| {
        let registrar = registrar(&path);
        async move {
            registrar
                .register(&order(&format!("k3d/c{n}"), "Q0E="), None)
                .await
        }
    });
    for written in futures_util::future::join_all(writers).await {
        written.unwrap();
    }
    assert_eq!(view(&registrar(&path)).await.entries.len(), 6);
}

/// What a process of this machine leaves that was killed while it had the lock: a file that the system holds no more.
fn left_behind() -> Signature {
    let mut rollcall = Process::this();
    rollcall.pid += 1;
    Signature { rollcall }
}

fn impatient(path: &Path) -> Kubeconfig {
    Kubeconfig {
        patience: Duration::from_millis(300),
        ..registrar(path)
    }
}

#[tokio::test]
async fn a_lock_that_a_killed_rollcall_left_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let earlier_boot = Signature {
        rollcall: Process {
            boot_id: Some("before".into()),
            ..Process::this()
        },
    };
    for (n, left) in [left_behind(), earlier_boot].iter().enumerate() {
        fs::write(path_of(&path), serde_json::to_vec(left).unwrap()).unwrap();
        let writers = (0..4).map(|m| {
            let (registrar, order) = (registrar(&path), order(&format!("k3d/c{n}{m}"), "Q0E="));
            async move { registrar.register(&order, None).await }
        });
        for written in futures_util::future::join_all(writers).await {
            written.unwrap();
        }
        assert!(!path_of(&path).exists());
    }
    assert_eq!(view(&registrar(&path)).await.entries.len(), 8);
}

#[tokio::test]
async fn a_lock_that_is_not_proven_dead_is_waited_for_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, FOREIGN).unwrap();
    let lock = path_of(&path);
    let far = Signature {
        rollcall: Process {
            host: "other".into(),
            boot_id: Some("other".into()),
            ..Process::this()
        },
    };
    let far = serde_json::to_string(&far).unwrap();
    for (text, by) in [
        ("", "another program"),
        ("pid 1", "another program"),
        ("{\"rollcall\":{}}", "another program"),
        (far.as_str(), "on other"),
    ] {
        fs::write(&lock, text).unwrap();
        let refused = impatient(&path)
            .register(&order("k3d/dev", "Q0E="), None)
            .await;
        let refused = refused.unwrap_err();
        assert!(refused.message.contains(by), "{refused}");
        assert!(refused.hint.unwrap().contains("rm "));
        assert_eq!(fs::read_to_string(&lock).unwrap(), text);
        assert_eq!(fs::read_to_string(&path).unwrap(), FOREIGN);
    }
    let registrar = registrar(&path);
    let order = order("k3d/dev", "Q0E=");
    let (written, ()) = tokio::join!(registrar.register(&order, None), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        fs::remove_file(&lock).unwrap();
    });
    written.unwrap();
}

#[tokio::test]
async fn the_lock_of_a_living_rollcall_is_not_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let (_waiting, asked) = Asked::new();
    let mine = LockFile::take(&path, Duration::ZERO, &asked).ok().unwrap();
    let refused = impatient(&path)
        .register(&order("k3d/dev", "Q0E="), None)
        .await;
    let message = refused.unwrap_err().message;
    let pid = std::process::id();
    assert!(message.contains(&format!("pid {pid}")), "{message}");
    assert!(path_of(&path).exists());
    drop(mine);
    assert!(!path_of(&path).exists());
}

#[tokio::test]
async fn a_lock_that_somebody_else_took_meanwhile_is_not_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let (_waiting, asked) = Asked::new();
    let mine = LockFile::take(&path, Duration::ZERO, &asked).ok().unwrap();
    fs::rename(path_of(&path), dir.path().join("aside")).unwrap();
    fs::write(path_of(&path), "").unwrap();
    drop(mine);
    assert!(path_of(&path).exists());
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_keeps_its_lock_to_the_end_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, FOREIGN).unwrap();
    let registrar = std::sync::Arc::new(registrar(&path));
    let (begun, begins) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let changing = tokio::spawn({
        let registrar = std::sync::Arc::clone(&registrar);
        async move {
            let change = move |document: &mut Document| {
                begun.send(()).unwrap();
                goes_on.recv().unwrap();
                document.put(&access("k3d/dev", "Q0E="));
                Ok(())
            };
            registrar.change(change).await
        }
    });
    tokio::task::spawn_blocking(move || begins.recv().unwrap())
        .await
        .unwrap();
    changing.abort();
    assert!(changing.await.unwrap_err().is_cancelled());
    assert!(path_of(&path).exists(), "it is still at it");
    go_on.send(()).unwrap();
    // The next one in this process waits for it, whatever became of who asked.
    registrar.change(|_| Ok(())).await.unwrap();
    assert!(!path_of(&path).exists());
    assert_eq!(fs::read_to_string(&path).unwrap(), FOREIGN);
}

#[tokio::test]
async fn who_is_not_waited_for_any_more_does_not_wait_for_a_lock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(path_of(&path), "").unwrap();
    let registrar = registrar(&path);
    let order = order("k3d/dev", "Q0E=");
    let given_up =
        tokio::time::timeout(Duration::from_millis(50), registrar.register(&order, None));
    assert!(given_up.await.is_err());
    // It gives up long before its patience ends.
    let freed = tokio::time::timeout(Duration::from_secs(5), registrar.writing.lock());
    drop(freed.await.unwrap());
    assert!(!path.exists());
}

#[test]
fn a_persons_namespace_is_no_change_and_survives() {
    let mut document = Document::empty();
    document.put(&access("k3d/dev", "Q0E="));
    let before = document.fingerprint(&id("k3d/dev"));
    let text = document
        .text()
        .unwrap()
        .replace("cluster: k3d-dev", "cluster: k3d-dev\n    namespace: web");
    let mut edited = Document::parse(&text).unwrap();
    assert_eq!(edited.fingerprint(&id("k3d/dev")), before);
    edited.put(&access("k3d/dev", "TkVX"));
    assert!(edited.text().unwrap().contains("namespace: web"));
}

#[test]
fn the_access_shows_no_secret() {
    let mut document = Document::empty();
    document.put(&access("k3d/dev", "Q0E="));
    let read = document.access(&id("k3d/dev")).unwrap();
    assert!(!format!("{read:?}").contains("a2V5"));
    assert_eq!(read.server, "https://127.0.0.1:6550");
}
