//! Argo CD as it treats registered clusters: acted out where a namespace `argocd` exists.
//!
//! The application set controller turns elements and cluster Secrets into Applications
//! (`generator`, `template`, `application_set`); the application controller brings an Application's
//! workload to its cluster and takes it away again (`application`, `destination`, `target`). A
//! workload is one `ConfigMap` in the target cluster, written and removed by real requests with
//! the credentials of the cluster Secret (`registry`): a wrong order really loses it.
//!
//! The rules were read in argo-cd's own sources (master, before 3.6), file and line beside each.
//! What is simpler here: every Application is synchronised, `automated` or not; projects are not
//! read; only the list and cluster generators are known, and others are an error, not a guess.

mod application;
mod application_set;
mod controller;
mod destination;
mod generator;
mod registry;
mod target;
mod template;

pub(crate) use controller::run;

#[cfg(test)]
mod tests;
