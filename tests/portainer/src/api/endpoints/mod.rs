//! Environments, which the API calls endpoints: one file per thing that is done to them, and how
//! they are shown (`view`).

pub(crate) mod association;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod filter;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod snapshot;
pub(crate) mod update;
pub(crate) mod view;
pub(crate) mod wish;
