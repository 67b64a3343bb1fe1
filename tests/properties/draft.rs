//! What a case is made of: rows, a past, and a wish; all small, so that things meet.

use proptest::prelude::*;
use proptest::sample::Index;
use rollcall::model::{ClusterId, ClusterSpec, Port, Ports, Subnet};

/// Names that are prefixes of each other.
pub(crate) const NAMES: [&str; 5] = ["dev", "dev-a", "dev-ab", "d", "x"];
/// The management cluster's.
pub(crate) const MANAGEMENT: &str = "devops";
pub(crate) const PROVIDERS: [&str; 2] = ["k3d", "kind"];
const PORTS: [u16; 4] = [18080, 18081, 18082, 18090];
const OPERATIONS: [&str; 9] = [
    "create",
    "start",
    "ports",
    "remove",
    "access",
    "preflight",
    "register",
    "deregister",
    "observe",
];
const EFFECTS: [&str; 6] = [
    "fails",
    "fails half-way",
    "fails after everything",
    "crashes",
    "hangs",
    "does nothing",
];
const TIMES: [&str; 4] = ["", " once", " twice", " 5 times"];
const SUBNETS: [&str; 3] = ["10.101.0.0/24", "10.101.0.0/16", "10.102.0.0/24"];

/// A row as somebody writes it.
#[derive(Debug, Clone)]
pub(crate) struct RowDraft {
    pub(crate) name: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) http: Option<u16>,
    pub(crate) forward: Option<u16>,
    pub(crate) subnet: Option<&'static str>,
    /// `desired_state`, as it is written.
    pub(crate) state: Option<&'static str>,
    /// `status='stopped'`: a person wants it stopped.
    pub(crate) stopped: bool,
    pub(crate) flaw: Option<Flaw>,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    HugePort,
    WordyPort,
    NoSubnet,
    UnknownProvider,
    UnknownState,
}

impl RowDraft {
    /// A present row that asks for nothing more.
    pub(crate) fn plain(provider: &'static str, name: &'static str) -> Self {
        Self {
            name,
            provider,
            http: None,
            forward: None,
            subnet: None,
            state: Some("present"),
            stopped: false,
            flaw: None,
        }
    }

    pub(crate) fn id(&self) -> ClusterId {
        format!("{}/{}", self.provider, self.name).parse().unwrap()
    }

    /// The cluster that the row asks for.
    pub(crate) fn spec(&self) -> ClusterSpec {
        let port = |number: u16| Port::parse(i64::from(number)).unwrap();
        ClusterSpec {
            id: self.id(),
            subnet: self.subnet.map(|text| Subnet::parse(text).unwrap()),
            ports: Ports {
                http: self.http.map(port),
                forward: self.forward.map(port),
                ..Ports::default()
            },
        }
    }
}

/// What befalls a cluster behind rollcall's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Wipe,
    WipeLeaving,
    Stop,
    StopServer,
    Pause,
    CrashLoop,
    Hang,
    KillBalancer,
    RemoveServer,
    Remake,
    RemakeOverLeftovers,
    DropRegistration,
    EditRegistration,
    OverwriteRegistration,
    AttachNetwork,
}

/// What other people have on the machine.
#[derive(Debug, Clone)]
pub(crate) enum Stranger {
    Cluster(RowDraft),
    Container(u16),
    Network(&'static str),
    Listener(u16),
    Registration(&'static str, &'static str),
    Unnamed(&'static str),
}

/// What people do to rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit {
    Remove,
    /// What lives under the old name is an orphan, and has all that the new one asks for.
    Rename(&'static str),
    Absent,
    Move,
    Http(u16),
    Subnet(&'static str),
    Flawed(Flaw),
    Stopped,
}

/// How a world came to be as it is.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) seed: u64,
    pub(crate) rows: Vec<RowDraft>,
    pub(crate) before: Vec<Stranger>,
    pub(crate) damages: Vec<(Index, Damage)>,
    pub(crate) after: Vec<Stranger>,
    pub(crate) edits: Vec<(Index, Edit)>,
    pub(crate) more: Vec<RowDraft>,
}

impl Past {
    /// These rows became true, and nothing else ever happened.
    pub(crate) fn of(rows: Vec<RowDraft>) -> Self {
        Self {
            seed: 1,
            rows,
            before: Vec::new(),
            damages: Vec::new(),
            after: Vec::new(),
            edits: Vec::new(),
            more: Vec::new(),
        }
    }
}

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) way: Way,
    pub(crate) adopt: Vec<Index>,
    pub(crate) replace: Vec<Index>,
    pub(crate) replace_broken: bool,
    pub(crate) exclude: Option<&'static str>,
    pub(crate) jobs: usize,
}

impl Wish {
    /// This, and nothing by name.
    pub(crate) fn of(way: Way) -> Self {
        Self {
            way,
            adopt: Vec::new(),
            replace: Vec::new(),
            replace_broken: false,
            exclude: None,
            jobs: 1,
        }
    }
}

/// The modes that the command line allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Repair,
    RepairAndPrune,
    Prune,
    PruneRows,
    PruneOrphans,
    PruneRegistrations,
}

/// A failure that is scripted, in the sandbox's words.
pub(crate) fn fault() -> impl Strategy<Value = String> {
    (
        prop::sample::select(&OPERATIONS[..]),
        prop::option::weighted(0.3, prop::sample::select(&PROVIDERS[..])),
        prop::sample::select(&EFFECTS[..]),
        prop::sample::select(&TIMES[..]),
    )
        .prop_map(|(operation, provider, effect, times)| {
            let registrars = ["register", "deregister", "observe"];
            let of = match provider {
                Some(provider) if !registrars.contains(&operation) => format!(" {provider}"),
                _ => String::new(),
            };
            format!("{operation}{of} {effect}{times}")
        })
}

/// A tool that says it worked and did nothing.
pub(crate) fn lie() -> impl Strategy<Value = String> {
    prop::sample::select(&OPERATIONS[..4]).prop_map(|operation| format!("{operation} does nothing"))
}

pub(crate) fn past() -> impl Strategy<Value = Past> {
    let damages = prop::collection::vec((any::<Index>(), damage()), 0..3);
    let edits = prop::collection::vec((any::<Index>(), edit()), 0..3);
    (
        any::<u64>(),
        rows(0..4),
        prop::collection::vec(stranger(), 0..2),
        damages,
        prop::collection::vec(stranger(), 0..3),
        edits,
        rows(0..3),
    )
        .prop_map(
            |(seed, mut rows, before, damages, after, edits, more)| Past {
                seed,
                rows: {
                    rows.iter_mut().for_each(|row| row.stopped = false);
                    rows
                },
                before,
                damages,
                after,
                edits,
                more,
            },
        )
}

pub(crate) fn wish() -> impl Strategy<Value = Wish> {
    let way = prop_oneof![
        3 => Just(Way::Repair),
        3 => Just(Way::RepairAndPrune),
        2 => Just(Way::Prune),
        1 => Just(Way::PruneRows),
        1 => Just(Way::PruneOrphans),
        1 => Just(Way::PruneRegistrations),
    ];
    let some = || prop::collection::vec(any::<Index>(), 0..2);
    (
        way,
        some(),
        some(),
        any::<bool>(),
        prop::option::weighted(0.1, prop::sample::select(&NAMES[..])),
        1..5_usize,
    )
        .prop_map(
            |(way, adopt, replace, replace_broken, exclude, jobs)| Wish {
                way,
                adopt,
                replace,
                replace_broken,
                exclude,
                jobs,
            },
        )
}

/// Rows with names of their own.
pub(crate) fn rows(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<RowDraft>> {
    let names = NAMES
        .into_iter()
        .chain([MANAGEMENT])
        .collect::<Vec<&'static str>>();
    (
        prop::sample::subsequence(names, count),
        prop::collection::vec(row(), 6),
    )
        .prop_flat_map(|(names, rows)| {
            let rows: Vec<RowDraft> = names
                .into_iter()
                .zip(rows)
                .map(|(name, row)| RowDraft { name, ..row })
                .collect();
            Just(rows).prop_shuffle()
        })
}

fn row() -> impl Strategy<Value = RowDraft> {
    let state = prop_oneof![
        5 => Just(Some("present")),
        1 => Just(None),
        2 => Just(Some("absent")),
    ];
    (
        prop::sample::select(&PROVIDERS[..]),
        prop::option::of(prop::sample::select(&PORTS[..])),
        prop::option::weighted(0.3, prop::sample::select(&PORTS[..])),
        prop::option::weighted(0.3, prop::sample::select(&SUBNETS[..])),
        state,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.1, flaw()),
    )
        .prop_map(
            |(provider, http, forward, subnet, state, stopped, flaw)| RowDraft {
                name: NAMES[0],
                provider,
                http,
                forward: forward.filter(|port| Some(*port) != http),
                subnet,
                state,
                stopped,
                flaw,
            },
        )
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop::sample::select(vec![
        Flaw::HugePort,
        Flaw::WordyPort,
        Flaw::NoSubnet,
        Flaw::UnknownProvider,
        Flaw::UnknownState,
    ])
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    prop::sample::select(vec![
        Damage::Wipe,
        Damage::WipeLeaving,
        Damage::Stop,
        Damage::StopServer,
        Damage::Pause,
        Damage::CrashLoop,
        Damage::Hang,
        Damage::KillBalancer,
        Damage::RemoveServer,
        Damage::Remake,
        Damage::RemakeOverLeftovers,
        Damage::DropRegistration,
        Damage::EditRegistration,
        Damage::OverwriteRegistration,
        Damage::AttachNetwork,
    ])
}

pub(crate) fn stranger() -> impl Strategy<Value = Stranger> {
    let names = prop::sample::select(&NAMES[..]);
    prop_oneof![
        3 => (names.clone(), row()).prop_map(|(name, row)| Stranger::Cluster(RowDraft { name, ..row })),
        1 => prop::sample::select(&PORTS[..]).prop_map(Stranger::Container),
        1 => prop::sample::select(&SUBNETS[..]).prop_map(Stranger::Network),
        1 => prop::sample::select(&PORTS[..]).prop_map(Stranger::Listener),
        1 => (prop::sample::select(&PROVIDERS[..]), names).prop_map(|(p, n)| Stranger::Registration(p, n)),
        1 => prop::sample::select(&PROVIDERS[..]).prop_map(Stranger::Unnamed),
    ]
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => Just(Edit::Remove),
        3 => prop::sample::select(&NAMES[..]).prop_map(Edit::Rename),
        2 => Just(Edit::Absent),
        2 => Just(Edit::Move),
        2 => prop::sample::select(&PORTS[..]).prop_map(Edit::Http),
        1 => prop::sample::select(&SUBNETS[..]).prop_map(Edit::Subnet),
        1 => flaw().prop_map(Edit::Flawed),
        1 => Just(Edit::Stopped),
    ]
}
