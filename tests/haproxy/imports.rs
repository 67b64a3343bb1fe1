//! Routes that the scripts before rollcall left in the user's own file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rollcall::registrar::{Import, ImportError, Registrar};

use super::scene::Scene;
use super::{LONG, look};

/// The user's file with a frontend that routes to two clusters by itself, as those scripts wrote it; the end of the
/// last block is lost.
fn with_blocks(scene: &Scene) -> String {
    let rules = ["dev", "other"].iter().fold(String::new(), |rules, name| {
        let acl = format!("  acl host_{name}  hdr_reg(host) -i ^[^.]+\\.{name}\\.[^:]+\n");
        rules + &acl + &format!("  use_backend be_{name} if host_{name}\n")
    });
    let rules = format!("  # BEGIN DYNAMIC ACL (managed)\n{rules}  # END DYNAMIC ACL\n");
    let base = scene.proxy.base();
    let base = base.replacen("    use_backend", &format!("{rules}    use_backend"), 1);
    let (front, back) = base.split_once("\nbackend none\n").unwrap();
    format!(
        "{front}\n# BEGIN DYNAMIC BACKENDS (managed)\nbackend be_dev\n  server s1 127.0.0.1:9\n\
         backend be_other\n  server s1 127.0.0.1:9\nbackend none\n{back}"
    )
}

/// A scene with such a file, loaded, and a route of rollcall's own to `dev`.
pub(crate) async fn overlapping(mut scene: Scene) -> Scene {
    let file = scene.proxy.path("base.cfg");
    fs::write(&file, with_blocks(&scene)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    scene.proxy.stop();
    scene.proxy.start();
    let dev = scene.cluster("k3d/dev");
    scene.registrar.register(&dev, None).await.unwrap();
    scene
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_route_that_stands_twice_is_a_problem_until_it_is_taken_out() {
    for scene in Scene::all() {
        let scene = overlapping(scene).await;
        let file = scene.proxy.path("base.cfg");
        let before = fs::read_to_string(&file).unwrap();
        let view = look(&scene.registrar).await.unwrap();
        assert_eq!(view.problems.len(), 1, "{view:?}");
        assert!(view.problems[0].what.ends_with("routes of its own to dev"));
        assert!(
            view.problems[0]
                .remedy
                .starts_with("rollcall import haproxy ")
        );
        assert!(
            scene.proxy.get("dev").contains("503"),
            "the old one answers"
        );

        let shown = scene.registrar.import(&file, Import::Show).await.unwrap();
        assert_eq!(shown.taken, ["dev"]);
        assert_eq!(shown.kept[0].0, "other");
        assert_eq!((shown.lines.len(), &shown.backup), (4, &None));
        assert_eq!(fs::read_to_string(&file).unwrap(), before);

        // By a link, as many have it.
        let link = scene.proxy.path("link.cfg");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let done = scene.registrar.import(&link, Import::Write).await.unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(done.backup.unwrap()).unwrap(), before);
        let after = fs::read_to_string(&file).unwrap();
        assert!(!after.contains("be_dev") && after.contains("backend be_other"));
        assert!(after.contains("backend none\n    http-request"), "{after}");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(scene.proxy.get("dev"), "k3d/dev");
        let view = look(&scene.registrar).await.unwrap();
        assert_eq!(view.problems, []);
        assert!(view.entries.values().all(|entry| entry.trouble.is_none()));
        let again = scene.registrar.import(&file, Import::Write).await.unwrap();
        assert_eq!((again.taken.len(), again.backup), (0, None));
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn nothing_is_taken_out_that_would_leave_a_name_without_a_route() {
    for scene in Scene::all() {
        let scene = overlapping(scene).await;
        let file = scene.proxy.path("base.cfg");
        let whole = fs::read_to_string(&file).unwrap();
        let left = || {
            let names = fs::read_dir(scene.proxy.path("")).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.contains("rollcall")).count()
        };
        let before = left();
        let broken = whole.clone() + "nonsense\n";
        fs::write(&file, &broken).unwrap();
        let error = scene
            .registrar
            .import(&file, Import::Write)
            .await
            .unwrap_err();
        assert!(matches!(error, ImportError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains("nonsense"), "{error:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), broken);

        // Only loading it tells, and then it is put back.
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let late =
            format!("{whole}frontend late\n    bind 127.0.0.1:{port}\n    default_backend none\n");
        fs::write(&file, &late).unwrap();
        let files = scene.proxy.files();
        let error = scene
            .registrar
            .import(&file, Import::Write)
            .await
            .unwrap_err();
        assert!(matches!(error, ImportError::Failed(_)), "{error:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), late);
        assert_eq!(scene.proxy.files(), files);

        let strange = scene.proxy.path("strange.cfg");
        fs::write(&strange, &whole).unwrap();
        let error = scene
            .registrar
            .import(&strange, Import::Write)
            .await
            .unwrap_err();
        assert!(matches!(error, ImportError::Usage(_)), "{error:?}");
        assert!(error.to_string().contains("no file that HAProxy"));
        assert_eq!(left(), before, "neither a backup nor a staged file");
        assert!(scene.registrar.observe(LONG).await.known().is_some());
    }
}

/// Whether the route of `dev` goes out of the user's file, once that is changed like this; else why it stays.
async fn goes(change: impl Fn(&Scene, &str) -> String) -> Result<(), String> {
    let mut told = None;
    for scene in Scene::all() {
        let mut scene = overlapping(scene).await;
        let file = scene.proxy.path("base.cfg");
        let text = change(&scene, &fs::read_to_string(&file).unwrap());
        fs::write(&file, &text).unwrap();
        scene.proxy.stop();
        scene.proxy.start();
        let done = scene.registrar.import(&file, Import::Write).await.unwrap();
        let stays = done.kept.iter().find(|(name, _)| name == "dev");
        let stays = stays.map(|(_, why)| why.clone());
        assert_eq!(done.taken.is_empty(), stays.is_some());
        if stays.is_some() {
            assert_eq!(done.twice, ["dev"]);
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        let told = told.get_or_insert_with(|| stays.clone());
        assert_eq!(told.is_some(), stays.is_some());
    }
    told.flatten().map_or(Ok(()), Err)
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_route_stays_that_requests_would_miss() {
    let asks = |text: &str| {
        let found = text.lines().find(|line| line.contains("rollcall.map"));
        found.unwrap().to_owned()
    };
    let gone = goes(|_, text| text.to_owned()).await;
    assert_eq!(gone, Ok(()));
    let found = goes(|_, text| {
        let line = asks(text);
        text.replace(&line, &format!("{line} if {{ var(txn.env) -m found }}"))
    });
    assert_eq!(found.await, Ok(()));

    let word = goes(|_, text| text.replace(r"+\.dev\.", r"+\.k3d\.dev\."));
    let why = word.await.unwrap_err();
    assert!(
        why.contains("word 3") && why.contains("field(3,.)"),
        "{why}"
    );
    let deaf = goes(|_, text| text.replace(&asks(text), "")).await;
    assert!(deaf.unwrap_err().contains("word 2"));
    let never = goes(|_, text| {
        let line = asks(text);
        text.replace(&line, &format!("{line} if {{ hdr(x-never) -m found }}"))
    });
    assert!(never.await.unwrap_err().contains("does not ask"));
    let own = goes(|scene, text| {
        let own = scene.proxy.path("rollcall/other-rollcall.map");
        fs::write(&own, "").unwrap();
        text.replace("rollcall/rollcall.map", "rollcall/other-rollcall.map")
    });
    assert!(own.await.is_err());
    let persons = goes(|_, text| text.replace(r"^[^.]+\.dev\.[^:]+", r"^www\.shop\.example$"));
    assert!(persons.await.unwrap_err().contains("other lines"));
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_backend_stays_that_a_map_of_the_users_names() {
    let map = |scene: &Scene, text: &str, name: &str| {
        let path = scene.proxy.called(name);
        let line = format!(
            "    use_backend %[hdr(host),map_str({})]\n    default",
            path.display()
        );
        text.replacen("    default", &line, 1)
    };
    let values = goes(|scene, text| {
        fs::write(scene.proxy.path("own.map"), "legacy.example be_dev\n").unwrap();
        map(scene, text, "own.map")
    });
    assert!(values.await.unwrap_err().contains("names be_dev"));
    let others = goes(|scene, text| {
        fs::write(scene.proxy.path("own.map"), "legacy.example be_other\n").unwrap();
        map(scene, text, "own.map")
    });
    assert_eq!(others.await, Ok(()));
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn an_import_that_is_killed_is_seen_and_mended_by_the_next_repair() {
    let scene = overlapping(Scene::container()).await;
    let file = scene.proxy.path("base.cfg");
    let engine = scene.engine.as_ref().unwrap();
    let changed = file.clone();
    let theirs = move || !fs::read_to_string(&changed).unwrap().contains("be_dev");
    *engine.kills.lock().unwrap() = Some(Box::new(theirs));
    let import = scene.registrar.import(&file, Import::Write);
    let killed = tokio::time::timeout(Duration::from_secs(5), import).await;
    assert!(killed.is_err(), "{killed:?}");
    *engine.kills.lock().unwrap() = None;
    assert!(!fs::read_to_string(&file).unwrap().contains("be_dev"));
    assert!(scene.proxy.get("dev").contains("503"), "the old one runs");

    let view = look(&scene.registrar).await.unwrap();
    let (_, entry) = view.entries.into_iter().next().unwrap();
    assert_eq!(entry.trouble.as_deref(), Some("not loaded"));
    let dev = scene.order(
        "k3d/dev",
        &entry.endpoint.replace(&port_of(&entry.endpoint), ""),
        0,
    );
    let again = scene.registrar.register(&dev, Some(&entry.fingerprint));
    again.await.unwrap();
    assert_eq!(scene.proxy.get("dev"), "k3d/dev");
    let view = look(&scene.registrar).await.unwrap();
    assert!(view.entries.values().all(|entry| entry.trouble.is_none()));
}

/// The port of an address, with its colon.
fn port_of(address: &str) -> String {
    format!(":{}", address.rsplit_once(':').unwrap().1)
}
