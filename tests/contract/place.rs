//! What a suite has to bring so that the facts can be tried on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rollcall::model::{ClusterId, Fingerprint, RegistrarView, RegistrationView, Seen};
use rollcall::registrar::{RegisterOrder, Registrar, RegistrarError};

/// How long a look may take that is answered.
pub(crate) const LOOK: Duration = Duration::from_secs(20);
/// How long one may take that nobody answers.
const SHORT: Duration = Duration::from_millis(200);

/// What is wrong with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Nobody is there.
    Unreachable,
    /// Somebody is there and says nothing.
    Silent,
    /// What is said makes no sense; there may be several sorts of it, from 0 on.
    Nonsense(usize),
}

/// A place with one registrar, the cluster `k3d/dev` that is to be registered there, and somebody else's things.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// Its registrar.
    fn registrar(&self) -> Arc<dyn Registrar>;

    /// What it sees.
    async fn look(&self, within: Duration) -> Seen<RegistrarView> {
        self.registrar().observe(within).await
    }

    /// The order to register `k3d/dev` as it is now.
    async fn order(&self) -> RegisterOrder;

    /// Whether an entry leads to that cluster.
    fn leads_there(&self, entry: &RegistrationView, order: &RegisterOrder) -> bool;

    /// Somebody registers a cluster of his own there.
    async fn others_come(&mut self);

    /// Everything that the place holds, thing by thing, apart from what passes.
    async fn holds(&self) -> BTreeMap<String, String>;

    /// What makes the entry of `k3d/dev` the same one that it was, where it has an identity of its own.
    async fn identity(&self) -> Option<String> {
        None
    }

    /// Somebody changes the entry of `k3d/dev`.
    async fn tamper(&mut self);

    /// Whether an entry says of which life it is.
    fn tells_lives(&self) -> bool {
        true
    }

    /// `k3d/dev` is made anew.
    async fn is_born_again(&mut self);

    /// Whatever comes before the entry of `k3d/dev` may come.
    async fn comes_first(&mut self) {}

    /// Whatever goes before the entry of `k3d/dev` may go.
    async fn goes_first(&mut self) {}

    /// Breaks it for good. False: it cannot be broken like this.
    async fn breaks(&mut self, how: Broken) -> bool;

    /// What must never be said.
    fn secrets(&self) -> Vec<String>;

    /// Looks back on what happened.
    async fn end(&mut self) {}
}

/// The cluster that is to be registered.
pub(crate) fn dev() -> ClusterId {
    "k3d/dev".parse().unwrap()
}

/// Fails if what is said of a place gives a secret away.
pub(crate) fn discreet<P: Place + ?Sized>(place: &P, said: &impl std::fmt::Debug) {
    let said = format!("{said:?}");
    for secret in place.secrets() {
        assert!(!said.contains(&secret), "it says a secret: {said}");
    }
}

/// What is registered; nobody may say that it is unknown.
pub(crate) async fn known<P: Place + ?Sized>(place: &P) -> RegistrarView {
    let seen = place.look(LOOK).await;
    discreet(place, &seen);
    match seen {
        Seen::Known(view) => view,
        Seen::Unknown(unseen) => panic!("{unseen:?}"),
    }
}

/// The entry of `k3d/dev`, if there is one.
pub(crate) async fn entry<P: Place + ?Sized>(place: &P) -> Option<RegistrationView> {
    known(place).await.entries.remove(&dev())
}

/// Fails unless nobody can say what is registered, and there is a way out.
pub(crate) async fn unknown<P: Place + ?Sized>(place: &P, how: Broken) {
    let within = if how == Broken::Silent { SHORT } else { LOOK };
    let seen = place.look(within).await;
    discreet(place, &seen);
    match seen {
        Seen::Known(view) => panic!("{how:?} is taken for {view:?}"),
        Seen::Unknown(unseen) => {
            let id = place.registrar().id();
            assert!(!unseen.error.is_empty(), "{id}, {how:?}: {unseen:?}");
            assert!(unseen.hint.is_some(), "{id}, {how:?}: {unseen:?}");
        }
    }
}

/// Registers `k3d/dev`.
pub(crate) async fn register<P: Place + ?Sized>(
    place: &P,
    expected: Option<&Fingerprint>,
) -> Result<Fingerprint, RegistrarError> {
    let order = place.order().await;
    discreet(place, &order);
    let told = place.registrar().register(&order, expected).await;
    discreet(place, &told);
    told
}

/// Deregisters it.
pub(crate) async fn deregister<P: Place + ?Sized>(
    place: &P,
    expected: &Fingerprint,
) -> Result<(), RegistrarError> {
    let told = place.registrar().deregister(&dev(), expected).await;
    discreet(place, &told);
    told
}
