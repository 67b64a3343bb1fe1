//! One row of `clusters`, judged: what it asks for, or all that is wrong with it.

use std::collections::BTreeSet;

use rusqlite::types::ValueRef;

use super::value;
use crate::model::{
    Claim, ClusterId, ClusterName, ClusterSpec, Intent, Port, Ports, Presence, ProviderId,
    RowFault, Subnet,
};

/// No valid name, provider, subnet or state is longer: whatever is, is wrong, and is not read to its end.
const LONGEST: usize = 64;

/// The intent columns of one row; NULL where the table has no such column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) name: ValueRef<'a>,
    pub(super) provider: ValueRef<'a>,
    pub(super) subnet: ValueRef<'a>,
    pub(super) node_port: ValueRef<'a>,
    pub(super) pf_port: ValueRef<'a>,
    pub(super) http_port: ValueRef<'a>,
    pub(super) https_port: ValueRef<'a>,
    pub(super) desired_state: ValueRef<'a>,
}

impl<'a> Cells<'a> {
    /// What each column of intent holds.
    pub(super) fn read(value: impl Fn(&'static str) -> ValueRef<'a>) -> Self {
        Self {
            name: value("name"),
            provider: value("provider"),
            subnet: value("subnet"),
            node_port: value("node_port"),
            pf_port: value("pf_port"),
            http_port: value("http_port"),
            https_port: value("https_port"),
            desired_state: value("desired_state"),
        }
    }
}

/// The name, if it is one: kept when everything else is wrong.
pub(super) fn name(cells: &Cells<'_>) -> Option<ClusterName> {
    ClusterName::parse(short_text(cells.name)?).ok()
}

/// The name that the row claims, even when its column holds something else than a name.
pub(super) fn claim(cells: &Cells<'_>) -> Claim {
    let bytes = match cells.name {
        ValueRef::Null => return Claim::Nothing,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Integer(_) | ValueRef::Real(_) => return Claim::Unclear,
    };
    let shown = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0;
    if !bytes.iter().any(shown) {
        return Claim::Nothing;
    }
    // More than a name with blanks around it is not looked at.
    let head = &bytes[..bytes.len().min(4 * LONGEST)];
    let text = String::from_utf8_lossy(head);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    ClusterName::parse(&text.to_ascii_lowercase())
        .ok()
        .filter(|_| bytes.len() == head.len())
        .map_or(Claim::Unclear, Claim::Name)
}

/// What the row asks for, or every fault of it.
pub(super) fn intent(
    cells: &Cells<'_>,
    providers: &BTreeSet<ProviderId>,
) -> Result<Intent, Vec<RowFault>> {
    let mut faults = Vec::new();
    let name = name(cells);
    if name.is_none() {
        let problem = "not a cluster name (1 to 32 of a-z, 0-9 and '-', beginning and ending with a \
                       letter or digit)";
        faults.push(fault("name", cells.name, problem));
    }
    let provider = provider(cells.provider, providers, &mut faults);
    let subnet = subnet(cells.subnet, &mut faults);
    let ports = ports(cells, &mut faults);
    let presence = presence(cells.desired_state, &mut faults);
    match (name, provider) {
        (Some(name), Some(provider)) if faults.is_empty() => Ok(Intent {
            spec: ClusterSpec {
                id: ClusterId::new(provider, name),
                subnet,
                ports,
            },
            presence,
        }),
        _ => Err(faults),
    }
}

/// A fault of one column.
pub(super) fn fault(column: &str, value: ValueRef<'_>, problem: impl Into<String>) -> RowFault {
    RowFault {
        column: column.to_owned(),
        value: value::shown(value, LONGEST),
        problem: problem.into(),
    }
}

fn short_text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(bytes) if bytes.len() <= LONGEST => value::text(value),
        _ => None,
    }
}

fn provider(
    value: ValueRef<'_>,
    known: &BTreeSet<ProviderId>,
    faults: &mut Vec<RowFault>,
) -> Option<ProviderId> {
    let provider = short_text(value).map(ProviderId::new);
    let found = provider.filter(|provider| known.contains(provider));
    if found.is_none() {
        let known: Vec<_> = known.iter().map(ProviderId::as_str).collect();
        let problem = format!("not a provider ({})", known.join(" or "));
        faults.push(fault("provider", value, problem));
    }
    found
}

fn subnet(value: ValueRef<'_>, faults: &mut Vec<RowFault>) -> Option<Subnet> {
    if value == ValueRef::Null {
        return None;
    }
    let found = short_text(value).and_then(|text| Subnet::parse(text).ok());
    if found.is_none() {
        let problem =
            "not a subnet (NULL, or an IPv4 network such as 10.101.0.0/24, from /8 to /29)";
        faults.push(fault("subnet", value, problem));
    }
    found
}

fn ports(cells: &Cells<'_>, faults: &mut Vec<RowFault>) -> Ports {
    let mut read = |column, value| match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => {
            let port = Port::parse(number).ok();
            if port.is_none() {
                faults.push(fault(column, value, "not a port (1 to 65535)"));
            }
            port
        }
        ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => {
            faults.push(fault(column, value, "not a port (it is no INTEGER)"));
            None
        }
    };
    let ports = Ports {
        node: read("node_port", cells.node_port),
        forward: read("pf_port", cells.pf_port),
        http: read("http_port", cells.http_port),
        https: read("https_port", cells.https_port),
    };
    // node_port is a port inside the cluster and competes with none of them.
    let published = [
        ("pf_port", ports.forward, cells.pf_port),
        ("http_port", ports.http, cells.http_port),
        ("https_port", ports.https, cells.https_port),
    ];
    for (index, (column, port, value)) in published.iter().enumerate() {
        let earlier = published[..index]
            .iter()
            .find(|(_, other, _)| other == port);
        if let (Some(_), Some((other, _, _))) = (port, earlier) {
            faults.push(fault(column, *value, format!("the same port as {other}")));
        }
    }
    ports
}

fn presence(value: ValueRef<'_>, faults: &mut Vec<RowFault>) -> Presence {
    match (value, short_text(value)) {
        (ValueRef::Null, _) | (_, Some("present")) => Presence::Present,
        (_, Some("absent")) => Presence::Absent,
        _ => {
            let problem = "not a desired state (present, absent or NULL)";
            faults.push(fault("desired_state", value, problem));
            Presence::Present
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Cells<'static> = Cells {
        name: ValueRef::Text(b"dev"),
        provider: ValueRef::Text(b"k3d"),
        subnet: ValueRef::Null,
        node_port: ValueRef::Integer(30080),
        pf_port: ValueRef::Integer(19000),
        http_port: ValueRef::Integer(18080),
        https_port: ValueRef::Integer(18443),
        desired_state: ValueRef::Text(b"present"),
    };

    fn judge(cells: Cells<'_>) -> Result<Intent, Vec<String>> {
        let providers = ["k3d", "kind"].map(ProviderId::new).into();
        let columns = |faults: Vec<RowFault>| faults.into_iter().map(|f| f.column).collect();
        intent(&cells, &providers).map_err(columns)
    }

    fn faulty(cells: Cells<'_>) -> Vec<String> {
        judge(cells).unwrap_err()
    }

    #[test]
    fn a_row_of_nulls_besides_name_and_provider_is_fine() {
        let bare = Cells {
            node_port: ValueRef::Null,
            pf_port: ValueRef::Null,
            http_port: ValueRef::Null,
            https_port: ValueRef::Null,
            desired_state: ValueRef::Null,
            ..GOOD
        };
        let intent = judge(bare).unwrap();
        assert_eq!(intent.presence, Presence::Present);
        assert_eq!(intent.spec.ports, Ports::default());
        assert_eq!(judge(GOOD).unwrap().spec.ports.published().len(), 3);
    }

    #[test]
    fn only_a_name_of_the_rule_that_is_text_is_a_name() {
        let long = [b'a'; 33];
        let wrong: [ValueRef<'_>; 7] = [
            ValueRef::Null,
            ValueRef::Integer(7),
            ValueRef::Blob(b"dev"),
            ValueRef::Text(b"Dev"),
            ValueRef::Text(b""),
            ValueRef::Text(b"dev\0"),
            ValueRef::Text(&long),
        ];
        for name in wrong {
            assert_eq!(faulty(Cells { name, ..GOOD }), ["name"], "{name:?}");
        }
    }

    #[test]
    fn a_provider_nobody_knows_is_a_fault() {
        for provider in [
            ValueRef::Null,
            ValueRef::Text(b"vcluster"),
            ValueRef::Text(b"K3D"),
            ValueRef::Text(b"k3d "),
            ValueRef::Blob(b"k3d"),
        ] {
            assert_eq!(
                faulty(Cells { provider, ..GOOD }),
                ["provider"],
                "{provider:?}"
            );
        }
    }

    #[test]
    fn a_port_is_an_integer_from_1_to_65535() {
        for http_port in [
            ValueRef::Integer(0),
            ValueRef::Integer(70000),
            ValueRef::Integer(-1),
            ValueRef::Text(b"18080"),
            ValueRef::Real(18080.0),
            ValueRef::Blob(b"18080"),
        ] {
            assert_eq!(
                faulty(Cells { http_port, ..GOOD }),
                ["http_port"],
                "{http_port:?}"
            );
        }
    }

    #[test]
    fn one_host_port_is_published_once_but_node_port_competes_with_none() {
        let pf_port = ValueRef::Integer(18080);
        assert_eq!(faulty(Cells { pf_port, ..GOOD }), ["http_port"]);
        let node_port = ValueRef::Integer(18080);
        assert!(judge(Cells { node_port, ..GOOD }).is_ok());
    }

    #[test]
    fn a_subnet_is_a_network_or_null() {
        for subnet in [
            ValueRef::Text(b""),
            ValueRef::Text(b"10.101.0.1/24"),
            ValueRef::Text(b"fd00::/64"),
            ValueRef::Integer(10),
        ] {
            assert_eq!(faulty(Cells { subnet, ..GOOD }), ["subnet"], "{subnet:?}");
        }
        let subnet = ValueRef::Text(b"10.101.0.0/24");
        assert!(
            judge(Cells { subnet, ..GOOD })
                .unwrap()
                .spec
                .subnet
                .is_some()
        );
    }

    #[test]
    fn a_desired_state_is_present_absent_or_null_to_the_letter() {
        for desired_state in [
            ValueRef::Text(b"Present"),
            ValueRef::Text(b"stopped"),
            ValueRef::Text(b""),
            ValueRef::Integer(1),
        ] {
            assert_eq!(
                faulty(Cells {
                    desired_state,
                    ..GOOD
                }),
                ["desired_state"]
            );
        }
        let desired_state = ValueRef::Text(b"absent");
        let intent = judge(Cells {
            desired_state,
            ..GOOD
        })
        .unwrap();
        assert_eq!(intent.presence, Presence::Absent);
    }

    #[test]
    fn every_fault_is_told_and_the_name_is_kept() {
        let cells = Cells {
            provider: ValueRef::Text(b"vcluster"),
            http_port: ValueRef::Integer(0),
            desired_state: ValueRef::Text(b"gone"),
            ..GOOD
        };
        assert_eq!(faulty(cells), ["provider", "http_port", "desired_state"]);
        assert_eq!(name(&cells).unwrap().as_str(), "dev");
    }

    #[test]
    fn a_megabyte_of_text_leaves_a_line_in_its_fault() {
        let long = "x".repeat(1 << 20);
        let huge = ValueRef::Text(long.as_bytes());
        let cells = Cells {
            name: huge,
            provider: huge,
            subnet: huge,
            http_port: huge,
            desired_state: huge,
            ..GOOD
        };
        let faults = intent(&cells, &BTreeSet::new()).unwrap_err();
        assert_eq!(faults.len(), 5);
        let size: usize = faults.iter().map(|fault| fault.to_string().len()).sum();
        assert!(size < 1500, "{size}");
    }
}
