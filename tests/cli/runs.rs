//! Records of runs, as the store keeps them: of one that is at work, or of one that died.

use rollcall::clock::{Clock, SystemClock};
use rollcall::model::Address;
use rollcall::store::{Holder, RunId, RunStart, StepStart, Store, liveness};

use crate::scene::Scene;

/// The scene's database, as a run opens it.
pub(crate) fn store(scene: &Scene) -> Store {
    Store::open_write(&scene.db(), &SystemClock).unwrap()
}

/// The record of a run that this process has begun and is in the middle of.
pub(crate) fn begun_by(scene: &Scene, holder: &Holder) -> RunId {
    let (store, now) = (store(scene), SystemClock.now());
    let lease = store.acquire(holder, now, &liveness).unwrap();
    let start = RunStart {
        mode: "reconcile --repair".to_owned(),
        args: "[]".to_owned(),
        source: "test".to_owned(),
        actor: None,
        host: holder.host.clone(),
        pid: holder.pid,
        lease: Some(lease.id().to_owned()),
    };
    let run = store.begin_run(&start, now).unwrap();
    let step = StepStart {
        address: &Address::Cluster("k3d/dev".parse().unwrap()),
        action: "create",
        log: None,
    };
    store.begin_step(run, &step, now).unwrap();
    run
}

/// A process that ran `rollcall` and is gone.
pub(crate) fn dead() -> Holder {
    #[expect(clippy::disallowed_methods, reason = "a process that ends")]
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    Holder {
        pid: child.id(),
        ..Holder::of_this_process("rollcall reconcile --repair")
    }
}
