//! What Portainer knows: the records (`endpoint`, `records`), how they hang together (`database`),
//! and the file that outlives the process (`file`).

pub(crate) mod database;
pub(crate) mod endpoint;
pub(crate) mod file;
pub(crate) mod records;

pub(crate) use database::Database;
