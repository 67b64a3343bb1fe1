//! The contract of the trait `Registrar`: what holds of every place where clusters are registered (`facts`), tried on
//! the sandbox, on files, on a real HAProxy, on what plays an API, and on recorded traffic of it.
//!
//! Recorded traffic needs no other program. To record it anew: TESTING.md, recorded traffic.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, starts processes and reads where they are"
)]

mod cluster;
mod facts;
mod place;
mod places;
mod requests;
mod traffic;

#[allow(
    dead_code,
    reason = "played agents do more for the suite that they belong to"
)]
#[path = "../portainer_registrar/agents.rs"]
mod agents;
#[allow(dead_code, reason = "each suite uses a part of it")]
#[path = "../haproxy/boxed.rs"]
mod boxed;
#[path = "../node_api/mod.rs"]
mod node_api;
#[allow(dead_code, reason = "each suite uses a part of it")]
#[path = "../haproxy/proxy.rs"]
mod proxy;
#[allow(dead_code, reason = "each suite uses a part of it")]
#[path = "../portainer_registrar/server.rs"]
mod server;

use place::Place as _;
use places::{InArgoCd, InHaproxy, InKubeconfig, InPortainer, InSandbox, InSet, OnNetworks};
use traffic::Traffic;

/// Facts as tests of one place: all of them or some, with an attribute, and how the place is opened for a fact.
macro_rules! hold {
    ($place:ident, all, $attribute:meta, $open:expr) => {
        hold! {$place, [
            nothing_there_is_known_and_empty,
            what_is_registered_is_seen_and_leads_to_the_cluster,
            registering_again_changes_nothing,
            a_new_life_goes_into_the_same_entry,
            an_entry_that_somebody_changed_is_left_alone,
            an_entry_that_went_meanwhile_is_not_made_again,
            what_is_others_stays,
            what_is_deregistered_is_gone_and_again_is_fine,
            an_unreachable_place_is_unknown_and_nothing_is_done_there,
            a_place_that_never_answers_is_unknown,
            nonsense_is_unknown_and_nothing_is_done_there,
        ], $attribute, $open}
    };
    ($place:ident, [$($fact:ident),* $(,)?], $attribute:meta, $open:expr) => {
        mod $place {
            use super::*;
            $(
                #[tokio::test]
                #[$attribute]
                async fn $fact() {
                    let mut place = ($open)(stringify!($fact)).await;
                    facts::$fact(&mut place).await;
                    place.end().await;
                }
            )*
        }
    };
}

/// The facts of an API: on recorded traffic, and on what plays it.
macro_rules! hold_of_api {
    ($place:ident, $live:ident, $facts:tt, $needs:literal, $open:expr) => {
        hold! {$place, $facts, cfg(test), |fact| $open(traffic(stringify!($place), fact, false))}
        hold! {$live, $facts, ignore = $needs, |fact| $open(traffic(stringify!($place), fact, true))}
    };
}

fn traffic(place: &'static str, fact: &'static str, live: bool) -> Traffic {
    Traffic { place, fact, live }
}

hold! {sandbox_argocd, all, cfg(test), |_| InSandbox::open("argocd", None)}
hold! {sandbox_applicationset, all, cfg(test), |_| InSandbox::open("applicationset", Some("argocd"))}
hold! {sandbox_haproxy, all, cfg(test), |_| InSandbox::open("haproxy", None)}
hold! {sandbox_kubeconfig, all, cfg(test), |_| InSandbox::open("kubeconfig", None)}
hold! {sandbox_portainer, all, cfg(test), |_| InSandbox::open("portainer", None)}
hold! {kubeconfig, all, cfg(test), |_| async { InKubeconfig::open() }}
hold! {haproxy, all, ignore = "needs haproxy", |_| async { InHaproxy::open() }}
hold! {boxed_haproxy, all, ignore = "needs haproxy", |_| async { InHaproxy::open_boxed() }}
// What is seen of it is the engine's own look, and an attachment says nothing that could be another than expected.
hold! {network, [
    nothing_there_is_known_and_empty,
    what_is_registered_is_seen_and_leads_to_the_cluster,
    registering_again_changes_nothing,
    a_new_life_goes_into_the_same_entry,
    what_is_others_stays,
    what_is_deregistered_is_gone_and_again_is_fine,
    an_unreachable_place_is_unknown_and_nothing_is_done_there,
    a_place_that_never_answers_is_unknown,
], cfg(test), |_| async { OnNetworks::open() }}
hold_of_api! {argocd, argocd_live, all, "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH", InArgoCd::open}
hold_of_api! {elements, elements_live, all, "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH", InSet::listing}
// Who is selected follows from the Secret's labels: nothing is written that could be another than expected.
hold_of_api! {labels, labels_live, [
    nothing_there_is_known_and_empty,
    what_is_deregistered_is_gone_and_again_is_fine,
    an_unreachable_place_is_unknown_and_nothing_is_done_there,
    a_place_that_never_answers_is_unknown,
    nonsense_is_unknown_and_nothing_is_done_there,
], "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH", InSet::selecting}
hold_of_api! {portainer, portainer_live, all, "needs the Portainer double: ROLLCALL_TEST_PORTAINER", InPortainer::open}

#[test]
fn no_recording_holds_a_secret() {
    let mut files = 0;
    for place in std::fs::read_dir(traffic::folder()).unwrap() {
        for file in std::fs::read_dir(place.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(traffic::gives_away(&text), None, "{}", file.display());
            files += 1;
        }
    }
    assert!(files > 0, "there are recordings");
}
