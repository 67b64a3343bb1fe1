//! rollcall keeps a developer's local Kubernetes clusters true to one SQLite table.
//!
//! ```text
//!  the table `clusters`      Docker, registrars
//!          |                        |
//!        store            ports (or the sandbox)
//!          |                        |
//!   desired, ledger              observe
//!          |                        |
//!          +-----------+------------+
//!                      |
//!                    plan  ---  check
//!                      |
//!                   execute
//!                      |
//!            observe and plan again  ->  report, exit code
//! ```
//!
//! The layers, and which may import which, are in `docs/ARCHITECTURE.md`; a test keeps them.
//!
//! # Words
//!
//! - **desired**: what the rows say. **observed**: what the world says, per source, known or unknown. *Unknown is never
//!   absent.*
//! - **incarnation**: one life of a cluster: the container ID of its lowest-numbered server or control-plane node.
//! - **ledger**: what rollcall made or adopted, one entry per incarnation. **ours**: an entry lists every live node.
//!   **foreign**: alive, and not ours.
//! - **provider**: makes clusters. **registrar**: a place where clusters are registered. **registration**: one cluster
//!   in one registrar.
//! - **drift**: a difference between desired and observed. **step**: an action in a plan, with its reasons. **held**: a
//!   drift that gets no step, with a typed reason.
//! - **orphan**: ours without a row. **unmanaged**: foreign without a row. **adopt**: take into the ledger.
//! - **converged**: a plan made from a fresh observation is empty and holds nothing that blocks.

pub mod cli;
pub mod clock;
pub mod command;
pub mod execute;
pub mod model;
pub mod observe;
pub mod plan;
pub mod ports;
pub mod process;
pub mod provider;
pub mod reconcile;
pub mod registrar;
pub mod report;
pub mod sandbox;
pub mod store;
