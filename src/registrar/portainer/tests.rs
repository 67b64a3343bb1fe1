//! What is decided without a server. What the real answers look like is in `tests/portainer_registrar.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::environment::{Done, Next};
use super::observe::{Flaw, Look};
use super::scene::{
    AGENT_URL, K3D, KIND, OWNER, environment, key, look, made, next, portainer, settings, sound,
    with,
};
use super::wire::Tag;
use super::{Portainer, PortainerGroup, PortainerSettings};
use crate::model::ClusterId;
use crate::registrar::Fault;
use crate::registrar::scene::id;

/// The fields in which the entries of two looks differ.
fn differ(portainer: &Portainer, one: &Look, other: &Look) -> Vec<String> {
    let print = |look: &Look| {
        let id = id("k3d/dev");
        let entry = portainer.entry(look, &id).unwrap();
        portainer.fingerprint(look, &id, &entry)
    };
    let all = print(one).differences(&print(other)).into_iter();
    all.map(|(name, ..)| name).collect()
}

fn clusters(portainer: &Portainer, look: &Look) -> Vec<String> {
    let ids = ["k3d/dev", "kind/dev"].map(id);
    let there = ids.iter().filter(|id| portainer.entry(look, id).is_some());
    there.map(ClusterId::to_string).collect()
}

#[test]
fn a_sound_environment_is_left_alone() {
    let portainer = portainer();
    assert_eq!(
        next(&portainer, &sound(&json!({})), &Done::default()),
        Next::Ready(7)
    );
    // Before the first check-in it is of the other type, in versions before 2.39.
    let fresh =
        json!({"Type": 4, "Agent": {"Version": ""}, "LastCheckInDate": 0, "Heartbeat": false});
    assert_eq!(
        next(&portainer, &sound(&fresh), &Done::default()),
        Next::Ready(7)
    );
    let brackets = json!({"URL": "PORTAINER"});
    assert_eq!(
        next(&portainer, &sound(&brackets), &Done::default()),
        Next::Ready(7)
    );
}

#[test]
fn null_and_absent_are_what_is_empty() {
    let bare =
        json!({"Id": 7, "Name": "dev", "Type": 7, "TagIds": null, "EdgeKey": null, "Agent": null});
    let look = look(vec![bare]);
    assert_eq!(clusters(&portainer(), &look), ["k3d/dev", "kind/dev"]);
}

#[test]
fn the_second_tag_says_whose_cluster_it_is() {
    let tagged = |tags: &[u64]| {
        let look = look(vec![environment(7, "dev", tags, &json!({}))]);
        clusters(&portainer(), &look)
    };
    assert_eq!(tagged(&[OWNER, K3D]), ["k3d/dev"]);
    assert_eq!(tagged(&[KIND]), ["kind/dev"]);
    assert_eq!(tagged(&[OWNER]), ["k3d/dev", "kind/dev"]);
    assert_eq!(tagged(&[9]), ["k3d/dev", "kind/dev"]);
}

#[test]
fn a_name_leads_to_one_cluster_alone() {
    let look = look(vec![environment(7, "dev", &[OWNER, KIND], &json!({}))]);
    let refused = portainer().next(&look, &id("k3d/dev"), &Done::default());
    let error = refused.unwrap_err();
    assert_eq!(error.fault, Fault::NotOurs);
    assert!(error.message.contains("kind/dev"), "{error}");
}

#[test]
fn a_new_environment_is_an_edge_agents_without_tls() {
    let Next::Make(form) = next(&portainer(), &look(Vec::new()), &Done::default()) else {
        panic!("nothing is made");
    };
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(
        form,
        [
            ("Name", "dev"),
            ("EndpointCreationType", "4"),
            ("URL", AGENT_URL),
            ("GroupID", "1"),
            ("TagIds", "[1,2]"),
        ]
    );
}

#[test]
fn tags_are_made_before_what_bears_them() {
    let mut look = look(Vec::new());
    look.tags.retain(|tag| tag.id == KIND);
    let made = next(&portainer(), &look, &Done::default());
    assert_eq!(made, Next::Tag("rollcall".to_owned()));
    look.tags.push(Tag {
        id: OWNER,
        name: "rollcall".to_owned(),
    });
    let made = next(&portainer(), &look, &Done::default());
    assert_eq!(made, Next::Tag("rollcall-k3d".to_owned()));
}

#[test]
fn what_differs_is_changed_in_place_and_other_tags_stay() {
    let change = |tags: &[u64], fields: &Value| {
        let look = look(vec![environment(7, "dev", tags, fields)]);
        next(&portainer(), &look, &Done::default())
    };
    assert_eq!(
        change(&[9], &json!({})),
        Next::Change(7, json!({"TagIDs": [9, OWNER, K3D]}))
    );
    // Another address needs the tunnel of an agent that is there.
    for (edge_id, heartbeat, expected) in [
        ("", true, Next::Ready(7)),
        ("agent", false, Next::Ready(7)),
        ("agent", true, Next::Change(7, json!({"URL": "portainer"}))),
    ] {
        let fields = json!({"URL": "elsewhere", "EdgeID": edge_id, "Heartbeat": heartbeat});
        let look = look(vec![environment(7, "dev", &[OWNER, 9, K3D], &fields)]);
        let done = Done {
            agent: Some("agent".to_owned()),
            ..Done::default()
        };
        assert_eq!(
            next(&portainer(), &look, &done),
            expected,
            "{edge_id} {heartbeat}"
        );
    }
    // Nobody asked for a group or an interval: a person's stay.
    assert_eq!(
        change(
            &[OWNER, K3D],
            &json!({"GroupId": 3, "EdgeCheckinInterval": 60})
        ),
        Next::Ready(7)
    );
    let named = PortainerGroup::Name("clusters".to_owned());
    for group in [named, PortainerGroup::Id(4)] {
        let portainer = with(PortainerSettings {
            group: Some(group),
            checkin: Some(9),
            ..settings()
        });
        let wanted = json!({"GroupID": 4, "EdgeCheckinInterval": 9});
        assert_eq!(
            next(&portainer, &sound(&json!({})), &Done::default()),
            Next::Change(7, wanted)
        );
    }
}

#[test]
fn a_group_that_is_not_there_is_said() {
    let portainer = with(PortainerSettings {
        group: Some(PortainerGroup::Name("nowhere".to_owned())),
        ..settings()
    });
    let refused = portainer.next(&look(Vec::new()), &id("k3d/dev"), &Done::default());
    assert_eq!(
        refused.unwrap_err().message,
        "Portainer has no group nowhere"
    );
}

#[test]
fn what_is_of_no_use_is_made_anew_and_only_that() {
    let other_url = STANDARD_NO_PAD.encode("http://old:80|old:8000|aa|7");
    let cases = [
        (json!({"EdgeKey": key(3)}), Flaw::KeyOf(3)),
        (json!({"EdgeKey": "torn"}), Flaw::NoKey),
        (
            json!({"EdgeKey": other_url}),
            Flaw::KeyTo("http://old:80".to_owned()),
        ),
        (json!({"Type": 4}), Flaw::Docker),
        (json!({"UserTrusted": false}), Flaw::Untrusted),
    ];
    for (fields, flaw) in cases {
        let old = || environment(7, "dev", &[OWNER, K3D], &fields);
        let there = look(vec![old()]);
        assert_eq!(
            portainer().flaws(&there.environments[0]),
            [flaw],
            "{fields}"
        );
        let Next::Make(form) = next(&portainer(), &there, &Done::default()) else {
            panic!("nothing is made: {fields}");
        };
        // No cluster has that name: its own is still taken.
        assert_eq!(form[0], ("Name", "dev.new".to_owned()));
        let new = |fields: &Value| environment(8, "dev.new", &[OWNER, K3D], fields);
        let both = look(vec![old(), new(&json!({}))]);
        assert_eq!(
            next(&portainer(), &both, &Done::default()),
            Next::Drop(vec![7])
        );
        let alone = look(vec![new(&json!({}))]);
        let named = Next::Change(8, json!({"Name": "dev"}));
        assert_eq!(next(&portainer(), &alone, &Done::default()), named);
        // A successor of no use is left from another attempt, or proves that the next one would be no better.
        let useless = look(vec![old(), new(&json!({"EdgeKey": "torn"}))]);
        assert_eq!(
            next(&portainer(), &useless, &Done::default()),
            Next::Drop(vec![8])
        );
        assert!(
            matches!(next(&portainer(), &useless, &made(8)), Next::GiveUp(all, _) if all == [8])
        );
        assert!(matches!(next(&portainer(), &there, &made(7)), Next::GiveUp(all, _) if all == [7]));
    }
    let waiting = look(vec![
        environment(7, "dev", &[OWNER, K3D], &json!({})),
        environment(8, "dev.new", &[OWNER, K3D], &json!({})),
    ]);
    assert_eq!(
        next(&portainer(), &waiting, &Done::default()),
        Next::Drop(vec![8])
    );
    let tunnel = with(PortainerSettings {
        tunnel: Some("tunnel:8000".to_owned()),
        ..settings()
    });
    let flaws = tunnel.flaws(&sound(&json!({})).environments[0]);
    assert_eq!(flaws, [Flaw::KeyTunnel("portainer:8000".to_owned())]);
}

#[test]
fn nothing_goes_for_a_wish_that_cannot_be_fulfilled() {
    for agent_url in ["http://localhost:9000", "portainer", "http://"] {
        let portainer = with(PortainerSettings {
            agent_url: agent_url.to_owned(),
            ..settings()
        });
        let refused = portainer.next(&sound(&json!({})), &id("k3d/dev"), &Done::default());
        assert_eq!(refused.unwrap_err().fault, Fault::Permanent, "{agent_url}");
    }
}

#[test]
fn a_slash_at_the_end_leads_to_the_same_place() {
    let portainer = with(PortainerSettings {
        agent_url: format!("{AGENT_URL}/"),
        ..settings()
    });
    assert_eq!(
        next(&portainer, &sound(&json!({})), &Done::default()),
        Next::Ready(7)
    );
}

#[test]
fn an_environment_breaks_with_a_living_agent_that_is_not_the_clusters() {
    let foreign = sound(&json!({"EdgeID": "somebody"}));
    let portainer = portainer();
    assert_eq!(next(&portainer, &foreign, &Done::default()), Next::Free(7));
    let once = Done {
        freed: true,
        ..Done::default()
    };
    // It was faster than the cluster's: two of one name would go unseen.
    let again = portainer.next(&foreign, &id("k3d/dev"), &once);
    assert_eq!(again.unwrap_err().fault, Fault::Permanent);
    let present = Done {
        agent: Some("somebody".to_owned()),
        ..Done::default()
    };
    assert_eq!(next(&portainer, &foreign, &present), Next::Ready(7));
    let own = foreign.own_edge_id(&id("k3d/dev"));
    assert_eq!(
        next(
            &portainer,
            &sound(&json!({"EdgeID": own})),
            &Done::default()
        ),
        Next::Ready(7)
    );
    // One that is not heard of any more may be that of an earlier life: its name is taken over.
    let silent = sound(&json!({"EdgeID": "somebody", "Heartbeat": false}));
    assert_eq!(next(&portainer, &silent, &Done::default()), Next::Ready(7));
    assert_eq!(
        silent.edge_id(&id("k3d/dev"), &silent.environments[0]),
        "somebody"
    );
}

#[test]
fn the_name_of_an_agent_is_its_clusters_in_this_database() {
    let one = sound(&json!({}));
    let mut other = sound(&json!({}));
    other.status.instance = "two".to_owned();
    let name = one.own_edge_id(&id("k3d/dev"));
    assert_eq!(name, sound(&json!({"Id": 8})).own_edge_id(&id("k3d/dev")));
    assert_ne!(name, one.own_edge_id(&id("kind/dev")));
    assert_ne!(name, other.own_edge_id(&id("k3d/dev")));
    let lengths: Vec<usize> = name.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
}

#[test]
fn an_environment_with_another_name_is_found_by_its_agent() {
    let own = look(Vec::new()).own_edge_id(&id("k3d/dev"));
    let renamed = |tags: &[u64]| {
        let fields = json!({"EdgeID": own});
        next(
            &portainer(),
            &look(vec![environment(7, "old", tags, &fields)]),
            &Done::default(),
        )
    };
    assert_eq!(
        renamed(&[OWNER, K3D]),
        Next::Change(7, json!({"Name": "dev"}))
    );
    assert!(matches!(renamed(&[OWNER]), Next::Make(_)));
    assert!(matches!(renamed(&[K3D]), Next::Make(_)));
}

#[test]
fn an_environment_without_the_hyphens_of_its_name_is_the_clusters_whose_agent_polls_for_it() {
    let portainer = portainer();
    let alias = |tags: &[u64], agent: &str| {
        let fields = json!({"EdgeID": "7", "Heartbeat": true});
        let look = look(vec![environment(7, "deva", tags, &fields)]);
        let done = Done {
            agent: Some(agent.to_owned()),
            ..Done::default()
        };
        portainer.next(&look, &id("k3d/dev-a"), &done).unwrap()
    };
    let named = json!({"Name": "dev-a", "TagIDs": [OWNER, K3D]});
    assert_eq!(alias(&[], "7"), Next::Change(7, named));
    for (tags, agent) in [
        (&[][..], "8"),
        (&[], ""),
        (&[OWNER, KIND], "7"),
        (&[KIND], "7"),
    ] {
        assert!(
            matches!(alias(tags, agent), Next::Make(_)),
            "{tags:?} {agent}"
        );
    }
}

#[test]
fn of_twins_the_oldest_of_ours_stays_and_strangers_are_not_touched() {
    let ours = |number| environment(number, "dev", &[OWNER, K3D], &json!({}));
    let strange = |number| environment(number, "dev", &[9], &json!({}));
    let portainer = portainer();
    let twins = look(vec![ours(7), ours(8), ours(9)]);
    assert_eq!(
        next(&portainer, &twins, &Done::default()),
        Next::Drop(vec![8, 9])
    );
    let mixed = look(vec![strange(3), ours(7)]);
    let refused = portainer.next(&mixed, &id("k3d/dev"), &Done::default());
    let error = refused.unwrap_err();
    assert_eq!(error.message, "environments 7 and 3 have one name");
    assert!(matches!(next(&portainer, &mixed, &made(7)), Next::GiveUp(all, _) if all == [7]));
    assert_eq!(differ(&portainer, &twins, &look(vec![ours(7)])), ["twins"]);
}

#[test]
fn every_difference_is_named_and_a_heartbeat_is_none() {
    let portainer = portainer();
    let differ = |fields: &Value| differ(&portainer, &sound(fields), &sound(&json!({})));
    assert_eq!(
        differ(&json!({"Heartbeat": false, "LastCheckInDate": 2000})),
        [""; 0]
    );
    assert_eq!(
        differ(&json!({"Status": 2, "PublicURL": "x", "GroupId": 5})),
        [""; 0]
    );
    assert_eq!(differ(&json!({"URL": "elsewhere"})), ["url"]);
    assert_eq!(differ(&json!({"EdgeID": "somebody"})), ["edge id"]);
    assert_eq!(
        differ(&json!({"EdgeKey": key(3)})),
        ["key", "key environment"]
    );
    assert_eq!(differ(&json!({"TagIds": [K3D]})), ["owner"]);
    assert_eq!(differ(&json!({"TagIds": [OWNER]})), ["provider"]);
    assert_eq!(differ(&json!({"TagIds": [9, OWNER, K3D]})), [""; 0]);
    assert_eq!(differ(&json!({"Type": 4})), ["kind"]);
    // The first check-in binds the name that was given: nothing that anybody has to do.
    let own = sound(&json!({})).own_edge_id(&id("k3d/dev"));
    assert_eq!(differ(&json!({"EdgeID": own})), [""; 0]);
}

#[test]
fn no_secret_is_in_a_fingerprint_or_in_a_debug() {
    let look = sound(&json!({"EdgeID": "the-name"}));
    let portainer = portainer();
    let entry = portainer.entry(&look, &id("k3d/dev")).unwrap();
    let print = portainer
        .fingerprint(&look, &id("k3d/dev"), &entry)
        .to_string();
    for secret in ["the-name", &key(7)] {
        assert!(!print.contains(secret), "{print}");
    }
    let shown = format!("{portainer:?} {:?}", settings());
    assert!(!shown.contains("ptr_secret"), "{shown}");
}
