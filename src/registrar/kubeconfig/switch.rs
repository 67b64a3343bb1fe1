//! The current context, and a kubeconfig that works by itself: what a person asks for, and no step ever does.

use secrecy::SecretString;
use serde_json::Value;

use super::Kubeconfig;
use super::apply::failed;
use super::wire::{Document, Names};
use crate::model::ClusterId;
use crate::provider::Access;
use crate::registrar::{RegistrarError, Switched};

/// What a cluster's context is called.
pub fn context_of(id: &ClusterId) -> String {
    Names::of(id).context
}

/// A kubeconfig of one cluster, with its credentials: it is for whoever asked for it, and for no log.
pub struct Standalone(Document);

impl Standalone {
    /// The kubeconfig of this access, with its context current.
    pub fn of(access: &Access) -> Self {
        let mut document = Document::empty();
        document.put(access);
        document.set_current(&context_of(&access.id));
        Self(document)
    }

    /// As YAML.
    pub fn yaml(&self) -> Result<SecretString, RegistrarError> {
        self.0.text().map(SecretString::from).map_err(failed)
    }

    /// As a document: kubectl reads JSON too.
    pub fn into_value(self) -> Value {
        self.0.into_value()
    }
}

impl Kubeconfig {
    /// Makes a cluster's context the current one. One that is not there, or not whole, is an error.
    pub(super) async fn make_current(&self, id: &ClusterId) -> Result<Switched, RegistrarError> {
        let (file, id) = (self.path.clone(), id.clone());
        self.change(move |document| {
            let context = context_of(&id);
            if !document.is_whole(&id) {
                let message = format!("{} has no context {context}", file.display());
                return Err(
                    failed(message).hint(format!("rollcall reconcile --repair --only {id}"))
                );
            }
            let before = document.current().map(str::to_owned);
            if before.as_ref() != Some(&context) {
                document.set_current(&context);
            }
            Ok(Switched {
                context,
                before,
                file: Some(file),
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::model::ProviderId;
    use crate::registrar::Registrar;
    use crate::registrar::scene::{access, id, order};

    const FOREIGN: &str = "apiVersion: v1
kind: Config
current-context: prod
contexts:
- name: prod
  context: {cluster: prod, user: me, namespace: web}
";

    fn registrar(path: &Path) -> Kubeconfig {
        Kubeconfig::new(path.to_owned(), vec![ProviderId::new("k3d")])
    }

    fn read(path: &Path) -> Value {
        serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn only_the_current_context_changes_behind_a_link_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("config"));
        fs::write(&real, FOREIGN).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let registrar = registrar(&link);
        registrar
            .register(&order("k3d/dev", "Q0E=", &[]), None)
            .await
            .unwrap();
        let mut before = read(&real);
        let switched = registrar.switch(&id("k3d/dev")).await.unwrap();
        assert_eq!(switched.before.as_deref(), Some("prod"));
        assert_eq!(
            (switched.context.as_str(), switched.file.as_deref()),
            ("k3d-dev", Some(link.as_path()))
        );
        before["current-context"] = "k3d-dev".into();
        assert_eq!(read(&real), before);
        let mode = fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);

        let written = fs::metadata(&real).unwrap().modified().unwrap();
        let again = registrar.switch(&id("k3d/dev")).await.unwrap();
        assert_eq!(again.before.as_deref(), Some("k3d-dev"));
        let now = fs::metadata(&real).unwrap().modified().unwrap();
        assert_eq!(now, written, "what is current already is not written");
    }

    #[tokio::test]
    async fn what_is_not_there_or_not_whole_is_not_switched_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        let torn = FOREIGN.replace("name: prod", "name: k3d-dev");
        for text in [FOREIGN, &torn] {
            fs::write(&path, text).unwrap();
            let error = registrar(&path).switch(&id("k3d/dev")).await.unwrap_err();
            assert!(error.message.contains("no context k3d-dev"), "{error}");
            assert!(
                error
                    .hint
                    .is_some_and(|hint| hint.contains("--only k3d/dev"))
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_kubeconfig_by_itself_has_all_that_kubectl_needs() {
        let alone = Standalone::of(&access("k3d/dev", "Q0E="));
        let yaml: Value = serde_saphyr::from_str(alone.yaml().unwrap().expose_secret()).unwrap();
        assert_eq!(yaml["kind"], "Config");
        assert_eq!(yaml["current-context"], "k3d-dev");
        for (list, name) in [
            ("contexts", "k3d-dev"),
            ("clusters", "k3d-dev"),
            ("users", "admin@k3d-dev"),
        ] {
            assert_eq!(yaml[list].as_array().unwrap().len(), 1);
            assert_eq!(yaml[list][0]["name"], name);
        }
        assert_eq!(yaml["contexts"][0]["context"]["user"], "admin@k3d-dev");
        assert_eq!(alone.into_value(), yaml);
    }
}
