//! Clusters are registered in Portainer, and stay so: their agents are heard of, whatever happens to either side.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};

use crate::bench::{Bench, NewRow, docker, http};
use crate::management::{Cluster, SECRET};
use crate::process::until;
use crate::server::Server;
use crate::six::{SIX, assert_true};

const DEPLOYMENT: (&str, &str, &str) = ("apps", "v1", "Deployment");
const EDGE: Option<&str> = Some("portainer-edge");
const AGENT: &str = "portainer-edge-agent";
const CREDENTIALS: &str = "portainer-edge-creds";
/// Longer than any agent may be silent.
const LONG: u32 = 600;

/// The rows: one of each provider.
const PAIR: [NewRow<'static>; 2] = [SIX[0], SIX[3]];

/// Two clusters, registered, and an environment that is somebody else's.
fn registered() -> (Bench, Server) {
    let bench = Bench::new();
    let server = Server::start(&bench);
    server.make("somebody");
    bench.rows(&PAIR);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    (bench, server)
}

/// One cluster's own API, by the context that rollcall wrote.
fn cluster(bench: &Bench, context: &str) -> Cluster {
    Cluster::of(&bench.kubeconfig(), Some(context))
}

/// Time passes, in which the agents of these environments are heard of and no other.
fn pass(server: &Server, heard: &[&str]) {
    server.pass(LONG);
    until("the agents' heartbeats", || {
        heard.iter().all(|name| server.beats(name))
    });
}

#[track_caller]
fn in_sync(bench: &Bench, after: &str) {
    let said = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(said.out.contains("in sync"), "{after}: {}", said.out);
}

/// What leads the agent in a cluster to its environment.
fn key_in(cluster: &Cluster) -> String {
    let secret = cluster.get(SECRET, EDGE, CREDENTIALS).unwrap();
    let key = STANDARD.decode(secret["data"]["edge-key"].as_str().unwrap());
    String::from_utf8(key.unwrap()).unwrap()
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn two_clusters_are_registered_and_their_agents_check_in() {
    let bench = Bench::new();
    let server = Server::start(&bench);
    bench.rows(&PAIR);
    let dry = bench.rollcall(&["reconcile"]).code(3);
    assert!(dry.out.contains("portainer/k3d/rt-a "), "{}", dry.out);
    assert_eq!(server.all(), [Value::Null; 0]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &PAIR);
    let mut secrets = vec![server.key()];
    for (name, provider, ..) in PAIR {
        let environment = server.only(name);
        assert_eq!(environment["Type"], 7, "{environment}");
        assert_eq!(environment["Agent"]["Version"], "2.33.2", "{environment}");
        let key = environment["EdgeKey"].as_str().unwrap().to_owned();
        assert_eq!(key_in(&cluster(&bench, &format!("{provider}-{name}"))), key);
        let text = String::from_utf8(STANDARD_NO_PAD.decode(&key).unwrap()).unwrap();
        assert!(text.ends_with(&format!("|{}", environment["Id"])), "{text}");
        assert!(text.starts_with(&server.agent_url()), "{text}");
        secrets.extend([key, environment["EdgeID"].as_str().unwrap().to_owned()]);
    }
    assert_ne!(server.id("rt-a"), server.id("rt-d"));
    let before = server.all();
    in_sync(&bench, "registered");
    // They go on by themselves.
    pass(&server, &["rt-a", "rt-d"]);
    in_sync(&bench, "later");
    assert_eq!(server.all(), before);
    nothing_is_told(&bench, &secrets);
}

/// None of these is in an output or in the database.
fn nothing_is_told(bench: &Bench, secrets: &[String]) {
    let mut told = String::from_utf8_lossy(&bench.digest()).into_owned();
    for args in [
        &["status", "-o", "json"][..],
        &["explain", "rt-a", "-o", "json"],
        &["reconcile", "-o", "json"],
        &["last-run", "-o", "json"],
    ] {
        let said = bench.rollcall(args).code(0);
        assert!(!said.out.is_empty());
        told.push_str(&(said.out + &said.err));
    }
    assert!(told.contains("rt-a"), "the right places are searched");
    for secret in secrets {
        assert!(!told.contains(secret.as_str()), "a secret was told");
    }
}

/// What becomes of an environment's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Kept,
    Another,
}

/// What is done by hand to an environment.
enum Hurt {
    /// As Portainer lets a person.
    Change(Value),
    /// As it cannot come about there, or by long ways.
    Set(Value),
    Delete,
}

impl Hurt {
    fn strike(self, server: &Server, name: &str) {
        match self {
            Self::Change(fields) => server.change(name, &fields),
            Self::Set(fields) => server.set(name, fields),
            Self::Delete => server.delete(name),
        }
    }
}

/// What happens to the environment of rt-a, how it is said line by line, and whether its number can stay.
fn damages(server: &Server) -> Vec<(&'static str, Hurt, String, Number)> {
    use Hurt::{Change, Delete, Set};
    use Number::{Another, Kept};
    let (own, other) = (server.id("rt-a"), server.only("rt-d"));
    let elsewhere = format!("http://elsewhere:9000|p:8000|aa|{own}");
    let elsewhere = json!({"EdgeKey": STANDARD_NO_PAD.encode(elsewhere)});
    let tags = "owner  none live -> rollcall row\nprovider  none live -> rollcall-k3d row";
    let url = format!("url  elsewhere live -> {} row", server.agent_host());
    let key_url = "key url  http://elsewhere:9000 live -> ".to_owned();
    let key_of = format!("its edge key is that of environment {}", other["Id"]);
    let key = json!({"EdgeKey": other["EdgeKey"]});
    let not_trusted = Set(json!({"UserTrusted": false}));
    let untrusted = "it waits to be trusted".to_owned();
    let bound = Set(json!({"EdgeID": "stranger"}));
    let missing = || "not registered".to_owned();
    vec![
        (
            "tags lost",
            Change(json!({"TagIDs": []})),
            tags.to_owned(),
            Kept,
        ),
        (
            "other address",
            Change(json!({"URL": "elsewhere"})),
            url,
            Kept,
        ),
        ("renamed", Change(json!({"Name": "other"})), missing(), Kept),
        ("bound to another", bound, "edge id  ".to_owned(), Kept),
        ("a key to elsewhere", Set(elsewhere), key_url, Another),
        ("not trusted", not_trusted, untrusted, Another),
        ("the key of another", Set(key), key_of, Another),
        ("deleted", Delete, missing(), Another),
    ]
}

/// The damage is seen with these words and mended by one repair, after which there is nothing to do and the agent polls.
#[track_caller]
fn mended(bench: &Bench, server: &Server, damage: &str, words: &[&str]) {
    let seen = bench.rollcall(&["reconcile"]).code(3);
    for word in words {
        assert!(seen.out.contains(word), "{damage}: {word}: {}", seen.out);
    }
    assert!(seen.out.contains(" 1 register"), "{damage}: {}", seen.out);
    let said = bench.rollcall(&["reconcile", "--repair"]);
    assert_eq!(said.code, 0, "{damage}: {}\n{}", said.out, said.err);
    in_sync(bench, damage);
    pass(server, &["rt-a", "rt-d"]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn whatever_is_wrong_with_an_environment_is_named_and_mended() {
    let (bench, server) = registered();
    let [somebody, other] = ["somebody", "rt-d"].map(|name| server.only(name));
    for (damage, hurt, words, number) in damages(&server) {
        let before = server.id("rt-a");
        hurt.strike(&server, "rt-a");
        let mut said = vec!["portainer/k3d/rt-a"];
        said.extend(words.lines());
        mended(&bench, &server, damage, &said);
        let after = server.only("rt-a");
        let became = if after["Id"] == before {
            Number::Kept
        } else {
            Number::Another
        };
        assert_eq!(became, number, "{damage}");
        let key = key_in(&cluster(&bench, "k3d-rt-a"));
        assert_eq!(json!(key), after["EdgeKey"], "{damage}");
        assert_eq!(server.only("somebody"), somebody, "{damage}");
        assert_eq!(server.id("rt-d"), other["Id"], "{damage}");
        assert_eq!(server.names(), ["rt-a", "rt-d", "somebody"], "{damage}");
    }
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_agent_that_is_not_heard_of_is_put_there_again() {
    let (bench, server) = registered();
    let before = server.all();
    let target = cluster(&bench, "k3d-rt-a");
    let wrong = json!({"data": {"edge-id": STANDARD.encode("wrong")}});
    let begin_anew = json!({"spec": {"template": {"metadata": {"annotations": {"by": "hand"}}}}});
    let damages: [(&str, &dyn Fn()); 3] = [
        ("gone", &|| target.remove(DEPLOYMENT, EDGE, AGENT)),
        ("nobody", &|| {
            target.edit(DEPLOYMENT, EDGE, AGENT, &json!({"spec": {"replicas": 0}}));
        }),
        ("of another name", &|| {
            target.edit(SECRET, EDGE, CREDENTIALS, &wrong);
            target.edit(DEPLOYMENT, EDGE, AGENT, &begin_anew);
        }),
    ];
    for (damage, hurt) in damages {
        hurt();
        // A poll that was under way may still come.
        until("the agent's silence", || {
            pass(&server, &["rt-d"]);
            !server.beats("rt-a")
        });
        let words = ["portainer/k3d/rt-a", "no heartbeat since "];
        mended(&bench, &server, damage, &words);
        assert_eq!(server.all(), before, "{damage}");
    }
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn agents_follow_portainer_to_another_address() {
    let (bench, server) = registered();
    let (before, old) = (server.all(), server.agent_url());
    server.behind_tls(&bench);
    let seen = bench.rollcall(&["reconcile"]).code(3);
    let leads = format!("its edge key leads to {old}");
    assert_eq!(seen.out.matches(&leads).count(), 2, "{}", seen.out);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    for (name, provider, ..) in PAIR {
        let key = key_in(&cluster(&bench, &format!("{provider}-{name}")));
        assert_eq!(server.only(name)["EdgeKey"], key);
        let key = String::from_utf8(STANDARD_NO_PAD.decode(key).unwrap()).unwrap();
        assert!(key.starts_with("https://"), "{key}");
    }
    pass(&server, &["rt-a", "rt-d"]);
    in_sync(&bench, "by TLS");
    assert_eq!(server.names(), ["rt-a", "rt-d", "somebody"]);
    assert_eq!(server.only("somebody"), before[0]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_cluster_that_is_made_anew_keeps_its_environment() {
    let (bench, server) = registered();
    let before = server.all();
    for (name, containers) in [
        ("rt-a", &["k3d-rt-a-server-0", "k3d-rt-a-serverlb"][..]),
        ("rt-d", &["rt-d-control-plane"]),
    ] {
        docker(&[&["rm", "-fv"], containers].concat());
        server.pass(LONG);
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        assert!(server.beats(name), "{name}");
        in_sync(&bench, name);
        pass(&server, &["rt-a", "rt-d"]);
        assert_eq!(server.all(), before, "{name}");
    }
    assert_true(&bench, &PAIR);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn without_portainer_clusters_converge_and_nothing_is_unregistered() {
    let (bench, server) = registered();
    let before = server.all();
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-d'");
    for (trouble, words) in [
        ("stopped", "127.0.0.1:19000"),
        ("admin-timeout", "has locked itself"),
        ("500", ": 500 Unable to retrieve environments"),
        ("html-503", ": 503 without a word of Portainer's"),
    ] {
        docker(&["rm", "-fv", "k3d-rt-a-server-0", "k3d-rt-a-serverlb"]);
        match trouble {
            "stopped" => server.stop(),
            canned => server.fault(canned),
        }
        let said = bench.rollcall(&["reconcile", "--repair"]).code(9);
        let unseen = "portainer could not be observed";
        assert!(said.out.contains(unseen), "{trouble}: {}", said.out);
        assert!(said.out.contains(words), "{trouble}: {}", said.out);
        assert!(http(SIX[0].2).contains("\"rt-a\""), "{trouble}: it serves");
        assert!(
            http(SIX[3].2).contains("\"rt-d\""),
            "{trouble}: it goes when its environment can go first"
        );
        assert_eq!(bench.status("rt-a"), "running Warning", "{trouble}");
        match trouble {
            "stopped" => server.start_again(),
            _ => server.mend(),
        }
        assert_eq!(server.all(), before, "{trouble}");
    }
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(server.beats("rt-a"));
    assert_eq!(server.names(), ["rt-a", "somebody"]);
    in_sync(&bench, "at last");
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_leaves_is_forgotten_in_portainer_and_others_stay() {
    let (bench, server) = registered();
    let others = ["somebody", "rt-d"].map(|name| server.only(name));
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-a'");
    bench.sql("DELETE FROM clusters WHERE name = 'rt-d'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(server.all(), others, "the orphan stays");
    let prune = ["reconcile", "--prune", "--allow-all"];
    bench.rollcall(&prune).code(0);
    assert_eq!(server.all(), others[..1]);
    let networks = docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(!networks.contains("rt-"), "{networks}");
}
