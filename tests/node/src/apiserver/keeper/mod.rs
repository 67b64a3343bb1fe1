//! What Kubernetes' own controllers do some moments after a write: tokens for service accounts
//! (`tokens`), deployments that become available (`rollout`), jobs that end (`jobs`), and the removal of what nobody owns
//! any more or whose namespace goes (`garbage`).

mod delays;
mod garbage;
mod jobs;
mod rollout;
mod tokens;
mod work;

pub(crate) use work::Keeper;
