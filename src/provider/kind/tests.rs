//! The configuration file.

use std::path::Path;
use std::time::Duration;

use super::wire::file;
use crate::model::{ClusterSpec, Nonce, Port, Ports};
use crate::provider::CreateOrder;

fn order(name: &str, ports: Ports) -> CreateOrder {
    CreateOrder {
        spec: ClusterSpec {
            id: format!("kind/{name}").parse().unwrap(),
            subnet: None,
            ports,
        },
        nonce: Nonce::from_random([0xcd; 16]),
        deadline: Duration::from_secs(60),
    }
}

#[test]
fn the_file_asks_for_what_the_row_asks_for() {
    let port = |number| Port::parse(number).ok();
    let ports = Ports {
        http: port(28090),
        https: port(28493),
        forward: port(29001),
        node: port(30080),
    };
    let mark = Path::new("/state/mark");
    let text = file(&order("dev", ports), Some("kindest/node:v1"), mark).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_but_the_mark_is_asked_for_when_the_row_asks_for_nothing() {
    let text = file(&order("no", Ports::default()), None, Path::new("/m: #x")).unwrap();
    insta::assert_snapshot!(text);
}
