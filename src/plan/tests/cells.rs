//! The decision table, cell by cell.

use super::scene::Scene;
use crate::model::{EntryState, Phase, Ports, Presence};

/// `$row, $live: repair => [...], prune => [...]`: one row of the decision table.
macro_rules! cell {
    ($name:ident, $scene:expr, repair: $repair:expr, prune: $prune:expr) => {
        #[test]
        fn $name() {
            assert_eq!($scene.repair().short(), $repair as [&str; _], "in a repair");
            assert_eq!($scene.prune().short(), $prune as [&str; _], "in a prune");
        }
    };
}

cell!(a_foreign_cluster_of_a_present_row_is_held, Scene::new().row("k3d/dev").foreign("k3d/dev", Phase::Ready),
    repair: ["=not_ours cluster/k3d/dev"], prune: ["=not_ours cluster/k3d/dev"]);
cell!(a_stopped_foreign_cluster_is_not_started, Scene::new().row("k3d/dev").foreign("k3d/dev", Phase::Stopped),
    repair: ["=not_ours cluster/k3d/dev"], prune: ["=not_ours cluster/k3d/dev"]);
cell!(a_foreign_cluster_of_an_absent_row_is_held, Scene::new().absent("k3d/dev").foreign("k3d/dev", Phase::Ready),
    repair: ["=not_ours cluster/k3d/dev"], prune: ["=not_ours cluster/k3d/dev"]);
cell!(a_missing_cluster_is_created_or_its_row_forgotten, Scene::new().row("k3d/dev"),
    repair: ["create cluster/k3d/dev", "register kubeconfig/k3d/dev"], prune: ["prune_row row/dev"]);
cell!(our_residue_is_swept_first, Scene::new().row("k3d/dev").residue("k3d/dev").list("k3d/dev", EntryState::Live),
    repair: ["sweep cluster/k3d/dev", "create cluster/k3d/dev", "register kubeconfig/k3d/dev"],
    prune: ["sweep cluster/k3d/dev", "prune_row row/dev"]);
cell!(foreign_residue_is_held_and_the_row_kept, Scene::new().row("k3d/dev").residue("k3d/dev"),
    repair: ["=foreign_residue cluster/k3d/dev"], prune: ["=foreign_residue cluster/k3d/dev"]);
cell!(a_moved_row_is_held, Scene::new().row("k3d/dev").ours("kind/dev", Phase::Ready),
    repair: ["=provider_changed cluster/k3d/dev"], prune: ["=provider_changed cluster/k3d/dev"]);
cell!(a_created_cluster_is_started, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Created),
    repair: ["start cluster/k3d/dev"], prune: ["=beyond_mode cluster/k3d/dev"]);
cell!(a_silent_cluster_is_waited_for, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Running),
    repair: ["await cluster/k3d/dev"], prune: ["=beyond_mode cluster/k3d/dev"]);
cell!(a_stopped_cluster_is_started, Scene::new().row("kind/dev").ours("kind/dev", Phase::Stopped),
    repair: ["start cluster/kind/dev"], prune: ["=beyond_mode cluster/kind/dev"]);
cell!(a_paused_cluster_is_started, Scene::new().row("kind/dev").ours("kind/dev", Phase::Paused),
    repair: ["start cluster/kind/dev"], prune: ["=beyond_mode cluster/kind/dev"]);
cell!(a_partial_cluster_is_held, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Partial),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_restarting_cluster_is_held, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Restarting),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_missing_port_is_added_in_place, Scene::new().row_on("k3d/dev", 18080).ours("k3d/dev", Phase::Ready),
    repair: ["add_ports cluster/k3d/dev"], prune: ["=beyond_mode cluster/k3d/dev"]);
cell!(a_missing_kind_port_needs_a_replacement, Scene::new().row_on("kind/dev", 18080).ours("kind/dev", Phase::Ready),
    repair: ["=needs_replace cluster/kind/dev"], prune: ["=needs_replace cluster/kind/dev"]);
cell!(a_moved_port_needs_a_replacement,
    Scene::new().row_on("k3d/dev", 18091).ours("k3d/dev", Phase::Ready).publish("k3d/dev", 80, 18081),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_moved_subnet_needs_a_replacement,
    Scene::new().row_with("k3d/dev", Presence::Present, Ports::default(), Some("10.1.0.0/24")).ours("k3d/dev", Phase::Ready),
    repair: ["=needs_replace cluster/k3d/dev"], prune: ["=needs_replace cluster/k3d/dev"]);
cell!(a_missing_registration_is_made, Scene::new().row("k3d/dev").unregistered("k3d/dev", Phase::Ready),
    repair: ["register kubeconfig/k3d/dev"], prune: ["=beyond_mode kubeconfig/k3d/dev"]);
cell!(a_changed_registration_is_made_again,
    Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready).entry_there("k3d/dev", "other"),
    repair: ["register kubeconfig/k3d/dev"], prune: ["=beyond_mode kubeconfig/k3d/dev"]);
cell!(a_foreign_registration_is_held,
    Scene::new().row("k3d/dev").unregistered("k3d/dev", Phase::Ready).entry_there("k3d/dev", "other"),
    repair: ["=registration_not_ours kubeconfig/k3d/dev"], prune: ["=registration_not_ours kubeconfig/k3d/dev"]);
cell!(an_absent_row_deletes_its_cluster, Scene::new().absent("k3d/dev").ours("k3d/dev", Phase::Ready),
    repair: ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev"],
    prune: ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev", "prune_row row/dev"]);
cell!(an_absent_row_without_a_cluster_is_in_sync, Scene::new().absent("k3d/dev"),
    repair: [], prune: ["prune_row row/dev"]);
cell!(an_orphan_is_held_or_deleted, Scene::new().row("kind/a").ours("kind/a", Phase::Ready).ours("k3d/dev", Phase::Ready),
    repair: ["=orphan cluster/k3d/dev"], prune: ["deregister kubeconfig/k3d/dev", "delete cluster/k3d/dev"]);
cell!(an_unmanaged_cluster_is_shown, Scene::new().foreign("k3d/dev", Phase::Ready),
    repair: ["=unmanaged cluster/k3d/dev"], prune: ["=unmanaged cluster/k3d/dev"]);
cell!(a_registration_of_a_gone_cluster_comes_off,
    Scene::new().row("kind/a").ours("kind/a", Phase::Ready).registered("k3d/dev"),
    repair: ["deregister kubeconfig/k3d/dev"], prune: ["deregister kubeconfig/k3d/dev"]);
cell!(an_invalid_row_still_claims_its_name_under_every_provider,
    Scene::new().invalid("dev").ours("k3d/dev", Phase::Ready).ours("kind/dev", Phase::Ready),
    repair: ["=invalid_row row/dev"], prune: ["=invalid_row row/dev"]);
cell!(a_ready_cluster_is_in_sync, Scene::new().row("k3d/dev").ours("k3d/dev", Phase::Ready), repair: [], prune: []);
cell!(the_management_cluster_is_only_looked_at, Scene::new().row("k3d/devops"),
    repair: ["=management cluster/k3d/devops"], prune: ["=management cluster/k3d/devops"]);
cell!(the_management_cluster_without_a_row_is_no_orphan, Scene::new().ours("k3d/devops", Phase::Ready),
    repair: [], prune: []);
