//! Thirty random histories on the real engine, each of which ends converged with foreign things untouched.
//! `ROLLCALL_TEST_SEED=N` repeats one of them.

use std::os::unix::process::ExitStatusExt;

use crate::adopting::make_by_hand;
use crate::bench::{Bench, NewRow, docker, restart_engine};
use crate::six::{SIX, assert_true};

const HISTORIES: u64 = 30;

/// Random numbers that a seed repeats (xorshift64*).
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % sides
    }
}

/// Where a run is killed.
const PLACES: [&str; 10] = [
    "create:intended",
    "create:running",
    "create:made",
    "create:done",
    "start:running",
    "sweep:before",
    "delete:intended",
    "delete:removed",
    "register:written",
    "deregister:written",
];

/// What must not change of somebody else's cluster: its life, that it runs, and on which networks.
fn foreign() -> String {
    let format = "{{.Id}} {{.State.Status}}{{range $name, $_ := .NetworkSettings.Networks}} {{$name}}{{end}}";
    docker(&["inspect", "-f", format, "rt-d-foreign-control-plane"])
}

fn node(row: &NewRow<'_>) -> String {
    match row.1 {
        "k3d" => format!("k3d-{}-server-0", row.0),
        _ => format!("{}-control-plane", row.0),
    }
}

/// One thing happens; says what.
fn happen(bench: &Bench, dice: &mut Dice, rows: &[NewRow<'_>]) -> String {
    let row = &rows[dice.roll(rows.len())];
    let (name, node) = (row.0, node(row));
    let set = |what: &str| bench.sql(&format!("UPDATE clusters SET {what} WHERE name = '{name}'"));
    match dice.roll(12) {
        0 => docker(&["stop", &node]),
        1 => docker(&["kill", &node]),
        2 => docker(&["pause", &node]),
        3 => docker(&["rm", "-f", &node]),
        4 => docker(&["rm", "-fv", &node, &format!("k3d-{name}-serverlb")]),
        5 => {
            set("desired_state = 'absent'");
            format!("{name} is to be absent")
        }
        6 => {
            bench.sql(&format!("DELETE FROM clusters WHERE name = '{name}'"));
            format!("row {name} is gone")
        }
        7 => {
            let _ = std::fs::remove_file(bench.kubeconfig());
            "the kubeconfig is gone".to_owned()
        }
        8 => {
            restart_engine(dice.roll(2) == 0);
            "the engine was restarted".to_owned()
        }
        9 => {
            let said = bench.rollcall(&["reconcile", "--repair"]);
            let codes = [0, 1, 3, 9, 12];
            assert!(codes.contains(&said.code), "{}{}", said.out, said.err);
            "a repair".to_owned()
        }
        _ => {
            let at = PLACES[dice.roll(PLACES.len())];
            let output = bench
                .command(&[
                    "reconcile",
                    "--repair",
                    "--prune=orphans,registrations",
                    "--allow-all",
                ])
                .env("ROLLCALL_TEST_DIE_AT", at)
                .output()
                .unwrap();
            let fine = output.status.signal() == Some(9)
                || output.status.code().is_some_and(|code| code < 20);
            assert!(fine, "{at}: {output:?}");
            format!("a repair, killed at {at} if it came there")
        }
    }
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn every_history_ends_converged_and_touches_nothing_foreign() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[3], SIX[4]];
    make_by_hand("kind", "rt-d-foreign");
    let theirs = foreign();
    assert!(theirs.contains("running kind"), "{theirs}");
    let asked = std::env::var("ROLLCALL_TEST_SEED").ok();
    let seeds = match asked.map(|seed| seed.parse::<u64>().unwrap()) {
        Some(seed) => seed..=seed,
        None => 1..=HISTORIES,
    };
    let last = [
        "reconcile",
        "--repair",
        "--prune=orphans,registrations",
        "--replace-broken",
        "--allow-all",
    ];
    for seed in seeds {
        let mut dice = Dice::of(seed);
        bench.sql("DELETE FROM clusters");
        bench.rows(&rows);
        // Every history begins with all of them there, whatever the one before left.
        bench.rollcall(&last).code(0);
        let mut story = Vec::new();
        for _ in 0..3 + dice.roll(3) {
            story.push(happen(&bench, &mut dice, &rows));
        }
        bench.sql("UPDATE clusters SET status = 'unknown'");
        let told = || format!("ROLLCALL_TEST_SEED={seed} repeats this: {story:#?}");
        let said = bench.rollcall(&last);
        assert_eq!(said.code, 0, "{}\n{}\n{}", told(), said.out, said.err);
        let again = bench.rollcall(&["reconcile"]);
        assert_eq!(again.code, 0, "{}\n{}", told(), again.out);
        let wanted = bench.query("SELECT name FROM clusters WHERE desired_state IS NOT 'absent'");
        let there: Vec<_> = rows
            .iter()
            .filter(|row| wanted.contains(&row.0.to_owned()))
            .copied()
            .collect();
        assert_true(&bench, &there);
        let names = docker(&["ps", "-a", "--format", "{{.Names}}"]);
        for row in rows
            .iter()
            .filter(|row| !wanted.contains(&row.0.to_owned()))
        {
            assert!(
                !names.lines().any(|name| name == node(row)),
                "{}\n{names}",
                told()
            );
        }
        assert_eq!(foreign(), theirs, "{}", told());
    }
}
