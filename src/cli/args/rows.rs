//! The commands that edit rows.

use clap::Args;

use super::words::port;
use crate::model::{ClusterId, ClusterName, Port, ProviderId, Subnet};

/// What stands below `rollcall cluster add --help`.
pub(super) const ADD_HELP: &str = "\
A port or subnet that is not given is not asked for. 'free' takes the first one that no row asks
for, no container and no network has, nobody on this host listens on and no route leads to.

Examples:
  rollcall cluster add k3d/one --http-port 18091
  rollcall cluster add kind/two --http-port 18092 --https-port 18492 --subnet 10.112.0.0/24
  rollcall cluster add k3d/three --http-port free --https-port free --subnet free";

/// What stands below `rollcall cluster set --help`.
pub(super) const SET_HELP: &str = "\
It edits the row; 'rollcall reconcile' then says what that means for the cluster.
'free' takes what is free, 'none' asks for nothing.

Examples:
  rollcall cluster set one --http-port 18093
  rollcall cluster set one --https-port free --subnet none
  rollcall cluster set one --provider kind
  rollcall cluster set one --present";

/// What stands below `rollcall cluster remove --help`.
pub(super) const REMOVE_HELP: &str = "\
The row then says absent: the next repair deletes the cluster and its registrations. The row itself
goes with 'rollcall reconcile --prune=rows', and 'rollcall cluster restore' brings it back.

Examples:
  rollcall cluster remove one";

/// What is asked for: `free`, `none`, or one in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish<T> {
    Free,
    None,
    Is(T),
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a parser of clap's says what is wrong, if anything is"
)]
fn provider(text: &str) -> Result<ProviderId, String> {
    Ok(ProviderId::new(text))
}

fn port_wish(text: &str) -> Result<Wish<Port>, String> {
    match text {
        "free" => Ok(Wish::Free),
        "none" => Ok(Wish::None),
        number => port(number).map(Wish::Is),
    }
}

fn subnet_wish(text: &str) -> Result<Wish<Subnet>, String> {
    match text {
        "free" => Ok(Wish::Free),
        "none" => Ok(Wish::None),
        net => Subnet::parse(net)
            .map(Wish::Is)
            .map_err(|error| error.to_string()),
    }
}

/// The ports and the subnet.
#[derive(Debug, Default, Args)]
pub(crate) struct Places {
    /// Host port that leads to 80: a number, `free` or `none`.
    #[arg(long, value_name = "PORT", value_parser = port_wish)]
    pub(crate) http_port: Option<Wish<Port>>,
    /// Host port that leads to 443.
    #[arg(long, value_name = "PORT", value_parser = port_wish)]
    pub(crate) https_port: Option<Wish<Port>>,
    /// Host port that leads to the in-cluster node port.
    #[arg(long, value_name = "PORT", value_parser = port_wish)]
    pub(crate) pf_port: Option<Wish<Port>>,
    /// The IPv4 network of its nodes, such as 10.101.0.0/24; `free` or `none`.
    #[arg(long, value_name = "NET", value_parser = subnet_wish)]
    pub(crate) subnet: Option<Wish<Subnet>>,
}

impl Places {
    /// Whether something free is asked for.
    pub(crate) fn any_free(&self) -> bool {
        let ports = [self.http_port, self.https_port, self.pf_port];
        ports.contains(&Some(Wish::Free)) || self.subnet == Some(Wish::Free)
    }
}

/// `rollcall cluster add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Which cluster, PROVIDER/NAME.
    pub(crate) cluster: ClusterId,
    #[command(flatten)]
    pub(crate) places: Places,
    /// The in-cluster port behind --pf-port.
    #[arg(long, value_name = "PORT", value_parser = port, default_value = "30080")]
    pub(crate) node_port: Port,
}

/// `rollcall cluster set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The row's name.
    pub(crate) name: ClusterName,
    /// Who makes it.
    #[arg(long, value_name = "PROVIDER", value_parser = provider)]
    pub(crate) provider: Option<ProviderId>,
    #[command(flatten)]
    pub(crate) places: Places,
    /// The in-cluster port behind --pf-port.
    #[arg(long, value_name = "PORT", value_parser = port)]
    pub(crate) node_port: Option<Port>,
    /// It is to be there.
    #[arg(long, conflicts_with = "absent")]
    pub(crate) present: bool,
    /// It is not to be there.
    #[arg(long)]
    pub(crate) absent: bool,
}
