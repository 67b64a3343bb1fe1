//! Routes that the scripts before rollcall left in the user's own file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rollcall::registrar::{Import, Registrar};

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
async fn overlapping(mut scene: Scene) -> Scene {
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
        let asks = whole.lines().find(|line| line.contains("rollcall.map"));
        let deaf = whole.replace(asks.unwrap(), "");
        fs::write(&file, &deaf).unwrap();
        let error = scene
            .registrar
            .import(&file, Import::Write)
            .await
            .unwrap_err();
        assert!(error.message.contains("frontend http"), "{error:?}");
        assert!(error.hint.unwrap().contains("field(2,.)"));
        assert_eq!(fs::read_to_string(&file).unwrap(), deaf);

        let broken = whole.clone() + "nonsense\n";
        fs::write(&file, &broken).unwrap();
        let error = scene
            .registrar
            .import(&file, Import::Write)
            .await
            .unwrap_err();
        assert!(error.message.contains("nonsense"), "{error:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), broken);

        // Only loading it tells, and then it is put back.
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let late =
            format!("{whole}frontend late\n    bind 127.0.0.1:{port}\n    default_backend none\n");
        fs::write(&file, &late).unwrap();
        let files = scene.proxy.files();
        scene
            .registrar
            .import(&file, Import::Write)
            .await
            .unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), late);
        assert_eq!(scene.proxy.files(), files);

        let strange = scene.proxy.path("strange.cfg");
        fs::write(&strange, &whole).unwrap();
        let error = scene
            .registrar
            .import(&strange, Import::Write)
            .await
            .unwrap_err();
        assert!(error.message.contains("no file that HAProxy"), "{error:?}");
        assert!(scene.registrar.observe(LONG).await.known().is_some());
    }
}
