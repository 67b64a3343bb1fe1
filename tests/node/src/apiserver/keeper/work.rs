//! The loop around the controllers.

use tokio::time::Instant;

use super::delays::Delays;
use super::{garbage, jobs, rollout, tokens};
use crate::apiserver::failure::Failure;
use crate::apiserver::store::{Shared, Store};
use crate::say;

/// Whose hand these controllers are.
pub(super) const MANAGER: &str = "kube-controller-manager";

/// The controllers of one cluster.
#[derive(Debug)]
pub(crate) struct Keeper {
    authority: String,
    delays: Delays,
}

impl Keeper {
    /// `authority` is the certificate that tokens are handed out with, PEM.
    pub(crate) fn new(authority: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            delays: Delays::default(),
        }
    }

    /// Works until the process ends.
    pub(crate) async fn run(mut self, shared: Shared) {
        let mut changed = shared.lock().subscribe();
        loop {
            let outcome = self.pass(&mut shared.lock(), Instant::now());
            let next = outcome.unwrap_or_else(|failure| {
                say::complain(&format!("keeper: {failure}"));
                None
            });
            let sleep = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changed.changed() => {}
                () = sleep => {}
            }
        }
    }

    /// Does what is due, and says when there is more to do if nothing changes.
    pub(crate) fn pass(
        &mut self,
        store: &mut Store,
        now: Instant,
    ) -> Result<Option<Instant>, Failure> {
        garbage::collect(store)?;
        tokens::fill(store, &self.authority, &mut self.delays, now)?;
        rollout::advance(store, &mut self.delays, now)?;
        jobs::advance(store, &mut self.delays, now)?;
        Ok(self.delays.next(now))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use std::time::Duration;

    use super::Keeper;
    use crate::apiserver::create::{Writer, create};
    use crate::apiserver::delete::{Dependents, Options, delete};
    use crate::apiserver::kind::{
        APPLICATION, APPLICATION_SET, CONFIG_MAP, DEPLOYMENT, JOB, Kind, NAMESPACE, SECRET,
        SERVICE_ACCOUNT,
    };
    use crate::apiserver::object::Key;
    use crate::apiserver::store::Store;
    use serde_json::{Value, json};
    use tokio::time::Instant;

    fn cluster() -> Store {
        let mut store = Store::memory();
        make(&mut store, &NAMESPACE, json!({"metadata": {"name": "n"}}));
        store
    }

    fn make(store: &mut Store, kind: &Kind, document: Value) -> Value {
        create(store, Writer::named("test"), kind, "n", document).unwrap()
    }

    fn token(store: &mut Store) -> Key {
        let secret = json!({
            "metadata": {
                "name": "t", "annotations": {"kubernetes.io/service-account.name": "sa"},
            },
            "type": "kubernetes.io/service-account-token",
        });
        make(store, &SECRET, secret);
        Key::new(&SECRET, "n", "t")
    }

    fn remove(store: &mut Store, kind: &Kind, name: &str, dependents: Dependents) {
        let options = Options {
            dependents,
            ..Options::default()
        };
        delete(store, kind, &Key::new(kind, "n", name), &options).unwrap();
    }

    /// A service account with a token that is still to be given out.
    fn with_token() -> (Store, Key, Keeper) {
        let mut store = cluster();
        make(
            &mut store,
            &SERVICE_ACCOUNT,
            json!({"metadata": {"name": "sa"}}),
        );
        let key = token(&mut store);
        (store, key, Keeper::new("PEM"))
    }

    #[test]
    fn a_token_comes_after_a_moment_and_dies_with_its_service_account() {
        let (mut store, key, mut keeper) = with_token();
        let start = Instant::now();
        let due = keeper.pass(&mut store, start).unwrap().unwrap();
        assert!(store.get(&key).unwrap()["data"].is_null());
        keeper.pass(&mut store, due).unwrap();
        let data = &store.get(&key).unwrap()["data"];
        assert_eq!(data["ca.crt"], "UEVN");
        assert_eq!(data["namespace"], "bg==");
        assert!(data["token"].is_string());
        remove(&mut store, &SERVICE_ACCOUNT, "sa", Dependents::Background);
        let later = due + Duration::from_secs(1);
        keeper.pass(&mut store, later).unwrap();
        keeper
            .pass(&mut store, later + Duration::from_secs(1))
            .unwrap();
        assert!(store.get(&key).is_none());
    }

    #[test]
    fn a_token_is_not_for_the_next_service_account_of_that_name() {
        let (mut store, key, mut keeper) = with_token();
        let mut now = Instant::now();
        let mut passes = |store: &mut Store| {
            for _ in 0..2 {
                now += Duration::from_secs(1);
                keeper.pass(store, now).unwrap();
            }
        };
        passes(&mut store);
        remove(&mut store, &SERVICE_ACCOUNT, "sa", Dependents::Background);
        make(
            &mut store,
            &SERVICE_ACCOUNT,
            json!({"metadata": {"name": "sa"}}),
        );
        passes(&mut store);
        assert!(store.get(&key).is_none());
    }

    #[test]
    fn a_deployment_becomes_available_after_a_moment_and_again_after_a_change() {
        let mut store = cluster();
        let deployment = json!({"metadata": {"name": "d"}, "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "x", "image": "x"}]},
            },
        }});
        make(&mut store, &DEPLOYMENT, deployment);
        let key = Key::new(&DEPLOYMENT, "n", "d");
        let mut keeper = Keeper::new("PEM");
        let due = keeper.pass(&mut store, Instant::now()).unwrap().unwrap();
        assert!(store.get(&key).unwrap()["status"].is_null());
        keeper.pass(&mut store, due).unwrap();
        let status = &store.get(&key).unwrap()["status"];
        assert_eq!(status["observedGeneration"], 1);
        assert_eq!(status["readyReplicas"], 2);
        assert_eq!(status["conditions"][0]["type"], "Available");
        assert_eq!(status["conditions"][0]["status"], "True");
        assert_eq!(keeper.pass(&mut store, due).unwrap(), None);
    }

    #[test]
    fn a_job_ends_and_goes_when_its_time_is_over() {
        let mut store = cluster();
        for (name, spec) in [
            ("stays", json!({})),
            ("goes", json!({"ttlSecondsAfterFinished": 0})),
        ] {
            make(
                &mut store,
                &JOB,
                json!({"metadata": {"name": name}, "spec": spec}),
            );
        }
        let mut keeper = Keeper::new("PEM");
        let mut now = Instant::now();
        for _ in 0..4 {
            keeper.pass(&mut store, now).unwrap();
            now += Duration::from_secs(1);
        }
        let stays = store.get(&Key::new(&JOB, "n", "stays")).unwrap();
        assert_eq!(stays["status"]["conditions"][0]["type"], "Complete");
        assert!(store.get(&Key::new(&JOB, "n", "goes")).is_none());
    }

    /// An application set that owns an application.
    fn family(store: &mut Store) -> Key {
        let template = json!({"metadata": {}, "spec": {}});
        let spec = json!({"generators": [], "template": template});
        let set = json!({"metadata": {"name": "set"}, "spec": spec});
        let owner = make(store, &APPLICATION_SET, set);
        let reference = json!({
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": true,
            "name": "set", "uid": owner["metadata"]["uid"],
        });
        let metadata = json!({"name": "app", "ownerReferences": [reference]});
        let spec = json!({"project": "default", "destination": {}});
        make(
            store,
            &APPLICATION,
            json!({"metadata": metadata, "spec": spec}),
        );
        Key::new(&APPLICATION, "n", "app")
    }

    #[test]
    fn what_is_owned_goes_with_its_owner_unless_it_was_orphaned() {
        for (dependents, stays) in [(Dependents::Background, false), (Dependents::Orphan, true)] {
            let mut store = cluster();
            let key = family(&mut store);
            let mut keeper = Keeper::new("PEM");
            keeper.pass(&mut store, Instant::now()).unwrap();
            assert!(store.get(&key).is_some());
            remove(&mut store, &APPLICATION_SET, "set", dependents);
            keeper.pass(&mut store, Instant::now()).unwrap();
            assert_eq!(store.get(&key).is_some(), stays);
        }
    }

    #[test]
    fn a_namespace_goes_when_everything_in_it_is_gone() {
        let mut store = cluster();
        let metadata = json!({"name": "held", "finalizers": ["a/b"]});
        make(&mut store, &CONFIG_MAP, json!({"metadata": metadata}));
        make(
            &mut store,
            &CONFIG_MAP,
            json!({"metadata": {"name": "free"}}),
        );
        remove(&mut store, &NAMESPACE, "n", Dependents::Background);
        let mut keeper = Keeper::new("PEM");
        keeper.pass(&mut store, Instant::now()).unwrap();
        assert_eq!(store.list(&CONFIG_MAP, "n").count(), 1);
        let late = json!({"metadata": {"name": "late"}});
        let refused = create(&mut store, Writer::named("t"), &CONFIG_MAP, "n", late);
        assert_eq!(refused.unwrap_err().reason, "Forbidden");
        store.remove(&Key::new(&CONFIG_MAP, "n", "held")).unwrap();
        keeper.pass(&mut store, Instant::now()).unwrap();
        assert!(store.get(&Key::new(&NAMESPACE, "", "n")).is_none());
    }
}
