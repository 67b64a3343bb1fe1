//! A HAProxy with its registrar and clusters, on this host and in a container.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use rollcall::model::{
    ClusterId, ClusterView, ContainerId, Incarnation, NodeRole, NodeState, NodeView, Phase, Port,
    PortMap, Ports, ProviderId, RegistrarId,
};
use rollcall::provider::Access;
use rollcall::registrar::{
    Haproxy, HaproxyInContainer, HaproxyOnHost, HaproxyPlace, HaproxySettings, RegisterOrder,
};

use crate::boxed::{Boxed, Engine};
use crate::proxy::{Own, Proxy, Told};

/// Where HAProxy runs, as far as rollcall is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    Host,
    Container,
}

/// A HAProxy, its registrar, and its clusters.
pub(crate) struct Scene {
    pub(crate) seat: Seat,
    pub(crate) proxy: Proxy,
    pub(crate) registrar: Haproxy,
    pub(crate) engine: Option<Arc<Engine>>,
    /// The port inside clusters.
    inside: u16,
    pub(crate) made: AtomicUsize,
}

/// A port that nobody has, and that the kernel gives to no connection of another test.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Scene {
    /// One for each seat: whatever is true of one is true of the other.
    pub(crate) fn all() -> [Self; 2] {
        [Self::host(Own::Before), Self::container()]
    }

    /// The same, with the user's file and rollcall's in one folder, which is all that HAProxy is started with.
    pub(crate) fn all_in_one_folder() -> [Self; 2] {
        [
            Self::host(Own::Within),
            Self::container_of(Told::Signal, Own::Within),
        ]
    }

    /// One on this host.
    pub(crate) fn on_host() -> Self {
        Self::host(Own::Before)
    }

    fn host(own: Own) -> Self {
        let proxy = match own {
            Own::Before => Proxy::new(),
            Own::Within => Proxy::told_by(Told::Socket, own),
        };
        let place = HaproxyPlace::Host(HaproxyOnHost {
            program: "/usr/sbin/haproxy".into(),
            socket: proxy.path("master"),
            address: "127.0.0.1".to_owned(),
            env: BTreeMap::new(),
        });
        let files = match own {
            Own::Before => vec![proxy.own()],
            Own::Within => vec![proxy.path("rollcall")],
        };
        Self::of(Seat::Host, proxy, place, files, None, 80)
    }

    /// The container's files are those that HAProxy is started with.
    pub(crate) fn container() -> Self {
        Self::container_told(Told::Signal)
    }

    /// The same, told in this way; the socket is in the folder that is mounted.
    pub(crate) fn container_told(told: Told) -> Self {
        Self::container_of(told, Own::Before)
    }

    fn container_of(told: Told, own: Own) -> Self {
        let proxy = Proxy::boxed(told, own);
        let (dir, inside) = (proxy.path(""), proxy.called(""));
        let file = |name: &str| inside.join(name).display().to_string();
        let words = match own {
            Own::Before => vec!["-f".to_owned(), file("base.cfg")],
            Own::Within => Vec::new(),
        };
        let folder = ["-f".to_owned(), file("rollcall")];
        let socket = inside.join("master");
        let engine = Arc::new(Engine::new(Boxed {
            dir,
            inside,
            command: words.into_iter().chain(folder).collect(),
        }));
        let place = HaproxyPlace::Container(HaproxyInContainer {
            name: "haproxy-gw".to_owned(),
            containers: Arc::<Engine>::clone(&engine),
            program: "haproxy".to_owned(),
            socket: (told == Told::Socket).then_some(socket),
            proof: Port::parse(i64::from(free_port())).unwrap(),
            after: vec![RegistrarId::new("network")],
        });
        Self::of(
            Seat::Container,
            proxy,
            place,
            Vec::new(),
            Some(engine),
            free_port(),
        )
    }

    fn of(
        seat: Seat,
        proxy: Proxy,
        place: HaproxyPlace,
        files: Vec<PathBuf>,
        engine: Option<Arc<Engine>>,
        inside: u16,
    ) -> Self {
        let settings = HaproxySettings {
            dir: proxy.path("rollcall"),
            files,
            inside: Port::parse(i64::from(inside)).unwrap(),
            place,
        };
        Self {
            seat,
            proxy,
            registrar: Haproxy::new(settings, ["k3d", "kind"].map(ProviderId::new).to_vec()),
            engine,
            inside,
            made: AtomicUsize::new(2),
        }
    }

    /// A cluster that answers with its name: on a port of this host, or under a node's name.
    pub(crate) fn cluster(&self, name: &'static str) -> RegisterOrder {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let address = match self.seat {
            Seat::Host => "127.0.0.1:0".to_owned(),
            Seat::Container => format!("127.0.0.{number}:{}", self.inside),
        };
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || serve(&listener, name));
        self.order(name, &address.ip().to_string(), address.port())
    }

    pub(crate) fn order(&self, name: &str, node: &str, port: u16) -> RegisterOrder {
        let published = match self.seat {
            Seat::Host => [(Ports::HTTP, Port::parse(i64::from(port)).unwrap())].into(),
            Seat::Container => BTreeMap::new(),
        };
        order(name, node, published)
    }
}

fn serve(listener: &TcpListener, name: &str) {
    for mut stream in listener.incoming().flatten() {
        let name = name.to_owned();
        std::thread::spawn(move || {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let length = name.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}"
            );
        });
    }
}

fn order(name: &str, node: &str, ports: PortMap) -> RegisterOrder {
    let id: ClusterId = name.parse().unwrap();
    let life = Incarnation::new("one");
    RegisterOrder {
        access: Access {
            id: id.clone(),
            incarnation: life.clone(),
            server: "https://127.0.0.1:1".to_owned(),
            ca_data: String::new(),
            client_certificate_data: "".into(),
            client_key_data: "".into(),
        },
        cluster: ClusterView {
            id,
            phase: Phase::Running,
            detail: None,
            incarnation: Some(life),
            nodes: vec![NodeView {
                id: ContainerId::new("one"),
                name: node.to_owned(),
                role: NodeRole::Server,
                state: NodeState::Running,
                image: String::new(),
                nonce: None,
            }],
            networks: Vec::new(),
            volumes: Vec::new(),
            ports,
            api_port: None,
            subnet: None,
            server_ip: None,
            accepts_ports: false,
            probed: false,
        },
    }
}
