//! The machine that Docker runs on: what is too little or too old there for the clusters that rows want.
//!
//! In: plain facts. Out: findings. Must not: look.

use super::finding::Finding;
use crate::model::EngineDescription;
use crate::report::ExitCode;

/// A fact, or why it could not be found out.
pub(super) type Reading<T> = Result<T, String>;

/// What is known of the machine.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// What Docker says of itself.
    pub(super) engine: Reading<EngineDescription>,
    /// `fs.inotify.max_user_instances`.
    pub(super) instances: Reading<u64>,
    /// `fs.inotify.max_user_watches`.
    pub(super) watches: Reading<u64>,
    /// How many files this process may have open; `None`: any number.
    pub(super) open_files: Option<u64>,
    /// Where Docker's data is.
    pub(super) disk: Reading<Disk>,
    /// How many clusters the rows want.
    pub(super) clusters: Reading<u64>,
}

/// Room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) free: u64,
    pub(super) total: u64,
}

const GIB: u64 = 1 << 30;
/// The oldest API that is understood: Docker 20.10's.
const OLDEST: (u32, u32) = (1, 41);
/// What kind asks for where there are several clusters (its page of known issues).
const INSTANCES: u64 = 512;
const WATCHES: u64 = 524_288;
/// The usual limit; with less, an API with many connections fails in odd ways.
const OPEN_FILES: u64 = 1024;
/// Room that an image or two take.
const SPARE: u64 = 10 * GIB;
/// What a cluster takes, in MiB.
const PER_CLUSTER: u64 = 1536;

/// All that is found, one finding for each thing that was looked at.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    vec![
        cgroup(facts),
        inotify(facts),
        open_files(facts),
        disk(facts),
        memory(facts),
    ]
}

/// Docker itself: its version, and whether that is new enough.
pub(super) fn docker(engine: &EngineDescription) -> Finding {
    let version = engine.version.as_deref().unwrap_or("not named");
    let Some(api) = &engine.api else {
        let said = format!("answers, version {version}; the version of its API is not known");
        return Finding::unknown("docker", said, Some("docker version".to_owned()));
    };
    let said = format!("answers, version {version}, API {api}");
    let mut numbers = api.split('.').map(|part| part.parse::<u32>().ok());
    let mut next = || numbers.next().flatten();
    match (next(), next()) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST => Finding::bad(
            "docker",
            ExitCode::NotReady,
            format!("{said}; 1.41 is the oldest that is understood"),
            Some("update Docker to 20.10 or later".to_owned()),
        ),
        (Some(_), Some(_)) => Finding::good("docker", said),
        _ => Finding::unknown("docker", said, Some("docker version".to_owned())),
    }
}

fn cgroup(facts: &Facts) -> Finding {
    let ask = "docker info --format '{{.CgroupVersion}}'".to_owned();
    let version = match &facts.engine {
        Ok(engine) => engine.cgroup.as_deref(),
        Err(why) => return Finding::unknown("cgroup", why, Some(ask)),
    };
    match version {
        Some("2") => Finding::good("cgroup", "version 2"),
        Some("1") => Finding::note(
            "cgroup",
            "version 1, which new versions of Kubernetes do not start on by themselves",
            Some(
                "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line, or use older node images"
                    .to_owned(),
            ),
        ),
        _ => Finding::unknown("cgroup", "Docker does not say which version", Some(ask)),
    }
}

fn inotify(facts: &Facts) -> Finding {
    let (instances, watches) = match (&facts.instances, &facts.watches) {
        (Ok(instances), Ok(watches)) => (*instances, *watches),
        (Err(why), _) | (_, Err(why)) => {
            let ask = "docker run --rm busybox sh -c 'cat /proc/sys/fs/inotify/max_user_*'";
            return Finding::unknown("inotify", why, Some(ask.to_owned()));
        }
    };
    let said = format!("{instances} instances, {watches} watches for each user");
    if instances >= INSTANCES && watches >= WATCHES {
        return Finding::good("inotify", said);
    }
    let settings = format!(
        "fs.inotify.max_user_instances={} fs.inotify.max_user_watches={}",
        instances.max(INSTANCES),
        watches.max(WATCHES)
    );
    Finding::note(
        "inotify",
        format!("{said}: with several clusters nodes fail with 'too many open files'"),
        Some(format!(
            "sudo sysctl -w {settings}; to keep them, the same two in /etc/sysctl.d/99-inotify.conf, one a line"
        )),
    )
}

fn open_files(facts: &Facts) -> Finding {
    match facts.open_files {
        None => Finding::good("open files", "no limit"),
        Some(limit) if limit >= OPEN_FILES => {
            Finding::good("open files", format!("at most {limit}"))
        }
        Some(limit) => Finding::note(
            "open files",
            format!("at most {limit} for rollcall and its tools"),
            Some(format!("ulimit -n {}", 4 * OPEN_FILES)),
        ),
    }
}

fn disk(facts: &Facts) -> Finding {
    let ask = "docker system df".to_owned();
    let disk = match &facts.disk {
        Ok(disk) => disk,
        Err(why) => return Finding::unknown("disk", why, Some(ask)),
    };
    let said = format!(
        "{} of {} free where Docker's data is",
        gib(disk.free),
        gib(disk.total)
    );
    let make_room = Some("docker system df; docker system prune".to_owned());
    // k3s evicts pods below 5 % (`--eviction-hard`, set in its `pkg/daemons/agent/agent_linux.go`).
    if disk.free < GIB || disk.free < disk.total / 20 {
        let said = format!("{said}: images do not fit, or pods are evicted");
        return Finding::bad("disk", ExitCode::NotReady, said, make_room);
    }
    if disk.free < SPARE {
        return Finding::note("disk", said, make_room);
    }
    Finding::good("disk", said)
}

fn memory(facts: &Facts) -> Finding {
    let ask = "docker info --format '{{.MemTotal}}'".to_owned();
    let there = match &facts.engine {
        Ok(engine) => engine.memory,
        Err(why) => return Finding::unknown("memory", why, Some(ask)),
    };
    let Some(there) = there else {
        return Finding::unknown("memory", "Docker does not say how much there is", Some(ask));
    };
    let clusters = match &facts.clusters {
        Ok(clusters) => *clusters,
        Err(why) => return Finding::unknown("memory", format!("{}; {why}", gib(there)), None),
    };
    let needed = clusters.saturating_mul(PER_CLUSTER << 20);
    let rows = if clusters == 1 { "cluster" } else { "clusters" };
    let said = format!(
        "{}; the {clusters} {rows} of the rows take about {}",
        gib(there),
        gib(needed)
    );
    if needed <= there {
        return Finding::good("memory", said);
    }
    let way_out = "want fewer at a time (rollcall stop NAME), or give Docker's machine more";
    Finding::note("memory", said, Some(way_out.to_owned()))
}

/// Bytes for people, to a tenth.
fn gib(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10 / u128::from(GIB);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Level;

    /// A machine on which nothing is missing.
    fn fine() -> Facts {
        Facts {
            engine: Ok(EngineDescription {
                version: Some("28.1.1".to_owned()),
                api: Some("1.49".to_owned()),
                cgroup: Some("2".to_owned()),
                root: Some("/var/lib/docker".to_owned()),
                memory: Some(16 * GIB),
                is_here: true,
            }),
            instances: Ok(INSTANCES),
            watches: Ok(WATCHES),
            open_files: Some(OPEN_FILES),
            disk: Ok(Disk {
                free: 100 * GIB,
                total: 500 * GIB,
            }),
            clusters: Ok(6),
        }
    }

    fn engine(change: impl FnOnce(&mut EngineDescription)) -> Facts {
        let mut engine = fine().engine.unwrap();
        change(&mut engine);
        Facts {
            engine: Ok(engine),
            ..fine()
        }
    }

    /// The only finding that is not as it should be.
    #[track_caller]
    fn only(facts: &Facts) -> Finding {
        let odd = findings(facts).into_iter();
        let mut odd: Vec<_> = odd.filter(|found| found.level != Level::Good).collect();
        assert_eq!(odd.len(), 1, "{odd:?}");
        odd.remove(0)
    }

    #[test]
    fn on_a_machine_that_has_all_nothing_is_to_be_mended() {
        let all = findings(&fine());
        assert!(
            all.iter().all(|found| found.level == Level::Good),
            "{all:?}"
        );
        assert!(all.iter().all(|found| found.remedy.is_none()), "{all:?}");
        let what: Vec<_> = all.iter().map(|found| found.what.as_str()).collect();
        assert_eq!(what, ["cgroup", "inotify", "open files", "disk", "memory"]);
        let unlimited = Facts {
            open_files: None,
            ..fine()
        };
        assert!(findings(&unlimited)[2].said.contains("no limit"));
    }

    /// The only odd finding is this one.
    #[track_caller]
    fn odd(facts: &Facts, what: &str, level: Level, said: &str, way_out: &str) {
        let found = only(facts);
        assert_eq!(
            (found.what.as_str(), found.level),
            (what, level),
            "{found:?}"
        );
        assert!(found.said.contains(said), "{found:?}");
        let remedy = found.remedy.clone().unwrap_or_default();
        assert!(remedy.contains(way_out), "{found:?}");
    }

    fn disk_of(free: u64, total: u64) -> Facts {
        Facts {
            disk: Ok(Disk { free, total }),
            ..fine()
        }
    }

    fn watching(instances: u64, watches: u64) -> Facts {
        Facts {
            instances: Ok(instances),
            watches: Ok(watches),
            ..fine()
        }
    }

    #[test]
    fn low_limits_are_said_with_the_line_that_raises_them() {
        let note =
            |facts: &Facts, what, said, way_out| odd(facts, what, Level::Note, said, way_out);
        let raised = "fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288";
        note(&watching(128, WATCHES), "inotify", "128 instances", raised);
        note(
            &watching(INSTANCES, 8192),
            "inotify",
            "8192 watches",
            raised,
        );
        let kept = "fs.inotify.max_user_watches=1048576";
        note(&watching(128, 1 << 20), "inotify", "1048576 watches", kept);
        let few = Facts {
            open_files: Some(256),
            ..fine()
        };
        note(&few, "open files", "at most 256", "ulimit -n 4096");
        let first = engine(|engine| engine.cgroup = Some("1".to_owned()));
        note(
            &first,
            "cgroup",
            "version 1",
            "systemd.unified_cgroup_hierarchy=1",
        );
    }

    #[test]
    fn little_room_is_said_with_what_makes_some() {
        let prune = "docker system prune";
        let full = disk_of(GIB / 2, 4 * GIB);
        odd(&full, "disk", Level::Bad, "0.5 GiB of 4.0 GiB", prune);
        let large = disk_of(24 * GIB, 500 * GIB);
        odd(&large, "disk", Level::Bad, "pods are evicted", prune);
        let little = disk_of(9 * GIB, 100 * GIB);
        odd(&little, "disk", Level::Note, "9.0 GiB", prune);
        let many = Facts {
            clusters: Ok(11),
            ..fine()
        };
        let said = "the 11 clusters of the rows take about 16.5 GiB";
        odd(&many, "memory", Level::Note, said, "rollcall stop NAME");
        let small = engine(|engine| engine.memory = Some(9 * GIB - 1));
        odd(
            &small,
            "memory",
            Level::Note,
            "8.9 GiB; the 6",
            "rollcall stop NAME",
        );
        let exact = engine(|engine| engine.memory = Some(9 * GIB));
        assert!(
            findings(&exact)
                .iter()
                .all(|found| found.level == Level::Good)
        );
    }

    #[test]
    fn what_could_not_be_found_out_is_never_as_it_should_be() {
        let why = || "nobody says".to_owned();
        let table: [(Facts, &str); 6] = [
            (engine(|e| e.cgroup = None), "cgroup"),
            (engine(|e| e.memory = None), "memory"),
            (
                Facts {
                    instances: Err(why()),
                    ..fine()
                },
                "inotify",
            ),
            (
                Facts {
                    watches: Err(why()),
                    ..fine()
                },
                "inotify",
            ),
            (
                Facts {
                    disk: Err(why()),
                    ..fine()
                },
                "disk",
            ),
            (
                Facts {
                    clusters: Err(why()),
                    ..fine()
                },
                "memory",
            ),
        ];
        for (facts, what) in table {
            let found = only(&facts);
            assert_eq!(
                (found.what.as_str(), found.level),
                (what, Level::Unknown),
                "{found:?}"
            );
        }
        let silent = Facts {
            engine: Err("Docker did not answer".to_owned()),
            ..fine()
        };
        let unknown = findings(&silent).into_iter();
        let unknown: Vec<_> = unknown
            .filter(|found| found.level == Level::Unknown)
            .collect();
        assert_eq!(unknown.len(), 2, "{unknown:?}");
        assert!(
            unknown
                .iter()
                .all(|found| found.said == "Docker did not answer")
        );
    }

    #[test]
    fn a_docker_older_than_20_10_is_wrong_and_one_of_no_version_is_unknown() {
        let level = |version: &str, api: Option<&str>| {
            let found = docker(&EngineDescription {
                version: Some(version.to_owned()),
                api: api.map(str::to_owned),
                ..EngineDescription::default()
            });
            (found.level, found.remedy)
        };
        for (version, api) in [("19.03.15", "1.40"), ("1.13.1", "1.26"), ("x", "0.99")] {
            let (level, remedy) = level(version, Some(api));
            assert_eq!(level, Level::Bad, "{version}");
            assert!(
                remedy.is_some_and(|text| text.contains("20.10")),
                "{version}"
            );
        }
        for (version, api) in [("20.10.24", "1.41"), ("28.1.1", "1.49"), ("30", "2.0")] {
            assert_eq!(level(version, Some(api)), (Level::Good, None), "{version}");
        }
        for api in [None, Some("new"), Some("1")] {
            assert_eq!(level("28.1.1", api).0, Level::Unknown, "{api:?}");
        }
    }
}
