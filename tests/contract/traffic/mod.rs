//! Registrars' requests between the registrar and who answers it: recorded, played back, or kept from being answered.

mod gate;
mod redact;
mod tape;
mod upstream;
mod wire;

pub(crate) use gate::Gate;
pub(crate) use redact::gives_away;
pub(crate) use tape::{Traffic, folder};
pub(crate) use upstream::Upstream;
