//! The arguments of `rollcall use` and `rollcall kubeconfig`.

use clap::Args;

use crate::model::Selector;

pub(super) const USE_HELP: &str = "\
It says which context it was before, and how to get back. Only the current context is switched, in
the user's kubeconfig (the first file of KUBECONFIG, or kubeconfig.path of the configuration).

Examples:
  rollcall use dev
  rollcall use k3d/dev -o json        for a program

Exit codes: 0 switched, or current already, 2 no such cluster, or several, 3 it is not there, does
not run or is not registered, 9 it could not be observed, 12 the registrar kubeconfig is off, no
database or no engine, 1 the file could not be written.";

pub(super) const KUBECONFIG_HELP: &str = "\
It holds a client key: it goes to standard output and nowhere else. It is read from the cluster's own
node, also where nothing is registered.

Examples:
  rollcall kubeconfig dev
  rollcall kubeconfig kind/ops -o json        as the field kubeconfig of a document

Exit codes: 0 printed, 1 the node has none yet, 2 no such cluster, or several, 3 it is not there,
9 it could not be observed, 12 no database or no engine.";

#[derive(Debug, Args)]
pub(crate) struct UseArgs {
    /// Which cluster, NAME or PROVIDER/NAME.
    pub(crate) name: Selector,
}

#[derive(Debug, Args)]
pub(crate) struct KubeconfigArgs {
    /// Which cluster, NAME or PROVIDER/NAME.
    pub(crate) name: Selector,
}
