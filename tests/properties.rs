//! What is true of every run in every world: the real loop over the strict sandbox and a real database.
//!
//! A failure prints the smallest case it found and keeps its seed in `tests/properties.seeds`, which is tried first
//! from then on: `cargo test --test properties NAME` repeats it. `PROPTEST_CASES=5000` looks longer.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "properties/converging.rs"]
mod converging;
#[path = "properties/draft.rs"]
mod draft;
#[path = "properties/gate.rs"]
mod gate;
#[path = "properties/hand.rs"]
mod hand;
#[path = "properties/harmless.rs"]
mod harmless;
#[path = "properties/histories.rs"]
mod histories;
#[path = "properties/honest.rs"]
mod honest;
#[path = "properties/roll.rs"]
mod roll;
#[path = "properties/stage.rs"]
mod stage;
#[path = "properties/truth.rs"]
mod truth;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// So many cases, unless `PROPTEST_CASES` asks for another number.
fn cases(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let preset = 256;
    ProptestConfig {
        cases: if asked.cases == preset {
            cases
        } else {
            asked.cases
        },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/properties.seeds",
        ))),
        ..asked
    }
}

/// Where a run is disturbed: early more often than late.
fn moment() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..60_u64, 2 => 60..200_u64, 1 => 200..600_u64]
}

fn none<T: std::fmt::Debug>(found: &[T]) -> Result<(), TestCaseError> {
    prop_assert!(found.is_empty(), "{found:#?}");
    Ok(())
}
