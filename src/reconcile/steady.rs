//! Holding steady: what is true now is looked at again and again, until it was true for long enough.

use std::sync::Arc;
use std::time::Duration;

use super::error::RunError;
use super::look::{Look, Question, look};
use crate::ports::World;
use crate::store::Store;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// What holding steady came to.
#[derive(Debug)]
pub struct Steady {
    /// The last look: the first one that was not good, if there was one.
    pub last: Look,
    /// How often it was looked at.
    pub looks: usize,
    /// For how long all looks were good.
    pub lasted: Duration,
}

/// Looks again until the time is over, or a look is not good any more. Writes nothing.
pub async fn hold_steady(
    world: &World,
    store: &Arc<Store>,
    question: &Question,
    first: Look,
    lasting: Duration,
    is_good: impl Fn(&Look) -> bool,
) -> Result<Steady, RunError> {
    let began = world.clock.now();
    let since = || {
        let lasted = world.clock.now().duration_since(began);
        Duration::try_from(lasted).unwrap_or_default()
    };
    let mut steady = Steady {
        last: first,
        looks: 1,
        lasted: Duration::ZERO,
    };
    while is_good(&steady.last) && steady.lasted < lasting {
        let left = lasting.saturating_sub(steady.lasted);
        world.clock.sleep(EVERY.min(left)).await;
        steady.last = look(world, store, question).await?;
        steady.looks += 1;
        if is_good(&steady.last) {
            steady.lasted = since().min(lasting);
        }
    }
    Ok(steady)
}
