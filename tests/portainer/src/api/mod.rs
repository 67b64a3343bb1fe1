//! The API: which path is what (`routes`), what a handler is given (`call`), and the handlers, one
//! noun per file.

pub(crate) mod auth;
pub(crate) mod call;
pub(crate) mod edge_key;
pub(crate) mod edge_status;
pub(crate) mod endpoints;
pub(crate) mod groups;
pub(crate) mod routes;
pub(crate) mod settings;
pub(crate) mod system;
pub(crate) mod tags;
pub(crate) mod users;
