//! The words of rollcall as types: what should be, what is, what is ours.
//!
//! In: nothing of ours. Out: values that every other layer speaks in. A value of these types is valid by
//! construction: whoever holds a [`ClusterName`] need not check it again.
//! Must not: do I/O, read a clock, know a provider or a registrar by name.

mod desired;
mod ledger;
mod name;
mod observed;
mod policy;
mod seen;
mod spec;
mod text;
mod vacancy;

pub use desired::{
    Claim, Desired, Intent, Presence, Row, RowFault, RowSnapshot, RowStatus, SqlValue, StopIntent,
};
pub use ledger::{
    Entry, EntryKey, EntryState, Ledger, Origin, Ownership, Preparation, RegistrationEntry,
    Stranger, WorldKind,
};
pub use name::{
    Address, ClusterId, ClusterName, ContainerId, EngineId, Fingerprint, Incarnation, NameError,
    NetworkId, Nonce, ProviderId, RegistrarId, Selector, VolumeId,
};
pub use observed::{
    Binding, ClusterMap, ClusterView, EngineDescription, EngineFacts, EngineIdentity, EngineView,
    NetworkView, NodeRole, NodeState, NodeView, Observed, Obstacle, Phase, RegistrarView,
    RegistrationView, ToolView, Unnamed, VolumeView,
};
pub use policy::{Clean, DeleteLimit, Guards, Mode, Policy, ProviderTraits, Prune, Scope};
pub use seen::{Seen, Unseen, UnseenKind};
pub use spec::{ClusterSpec, Port, PortMap, Ports, SpecError, Subnet};
pub use text::{one_line, printable, printable_lines, redact, shell_word};
pub use vacancy::Vacancy;
