//! The real HAProxy, on this host and as in a container.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use rollcall::model::{NodeState, Port, PortMap, Ports, RegistrationView};
use rollcall::registrar::{
    Haproxy, HaproxyInContainer, HaproxyOnHost, HaproxyPlace, HaproxySettings, RegisterOrder,
    Registrar,
};

use crate::boxed::{Boxed, Engine};
use crate::cluster::{FRONT, KEY, order, providers};
use crate::place::{Broken, Place};
use crate::proxy::{Own, Proxy, Told};

/// A HAProxy that runs, with a folder of routes.
pub(crate) struct InHaproxy {
    proxy: Proxy,
    registrar: Arc<Haproxy>,
    /// A socket where nobody answers.
    silent: Option<UnixListener>,
    /// The engine of its container; `None`: it is on this host.
    engine: Option<Arc<Engine>>,
    /// The life that the cluster is in.
    life: &'static str,
}

impl InHaproxy {
    pub(crate) fn open() -> Self {
        let proxy = Proxy::new();
        let settings = HaproxySettings {
            dir: proxy.path("rollcall"),
            files: vec![proxy.path("base.cfg")],
            place: HaproxyPlace::Host(HaproxyOnHost {
                program: "/usr/sbin/haproxy".into(),
                socket: proxy.path("master"),
                address: "127.0.0.1".to_owned(),
                env: BTreeMap::new(),
            }),
            inside: Ports::HTTP,
        };
        Self {
            registrar: Arc::new(Haproxy::new(settings, providers())),
            proxy,
            silent: None,
            engine: None,
            life: "one",
        }
    }

    /// As in a container, told by a signal.
    pub(crate) fn open_boxed() -> Self {
        let proxy = Proxy::boxed(Told::Signal, Own::Within);
        let command = [
            "-f".to_owned(),
            proxy.called("rollcall").display().to_string(),
        ];
        let engine = Arc::new(Engine::new(Boxed {
            dir: proxy.path(""),
            inside: proxy.called(""),
            command: command.to_vec(),
        }));
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let proof = free.local_addr().unwrap().port();
        let settings = HaproxySettings {
            dir: proxy.path("rollcall"),
            files: Vec::new(),
            place: HaproxyPlace::Container(HaproxyInContainer {
                name: "haproxy-gw".to_owned(),
                containers: Arc::<Engine>::clone(&engine),
                program: "haproxy".to_owned(),
                socket: None,
                proof: Port::parse(i64::from(proof)).unwrap(),
                after: Vec::new(),
            }),
            inside: Ports::HTTP,
        };
        Self {
            registrar: Arc::new(Haproxy::new(settings, providers())),
            proxy,
            silent: None,
            engine: Some(engine),
            life: "one",
        }
    }

    /// Where the entry of the cluster leads.
    fn target(&self) -> String {
        match self.engine {
            Some(_) => format!("{FRONT}:80"),
            None => "127.0.0.1:18081".to_owned(),
        }
    }

    fn config(&self) -> PathBuf {
        self.proxy.path("rollcall/50-rollcall.cfg")
    }

    /// The user's own line of the map, and his file.
    fn others(&self) -> String {
        format!("mine none\n{}", self.proxy.base())
    }
}

#[async_trait]
impl Place for InHaproxy {
    fn registrar(&self) -> Arc<dyn Registrar> {
        self.registrar.clone()
    }

    async fn order(&self) -> RegisterOrder {
        let mut order = order(self.life);
        order.cluster.accepts_ports = true;
        order
    }

    fn leads_there(&self, entry: &RegistrationView, order: &RegisterOrder) -> bool {
        let ports = match self.engine {
            Some(_) => PortMap::new(),
            None => order.cluster.ports.clone(),
        };
        entry.leads_to == ports && entry.endpoint == self.target()
    }

    async fn others_come(&mut self) {
        fs::write(self.proxy.path("rollcall/rollcall.map"), "mine none\n").unwrap();
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let [config, map] = self.proxy.files();
        let mut all = BTreeMap::from([(
            "base".to_owned(),
            fs::read_to_string(self.proxy.own()).unwrap(),
        )]);
        // What tells which content was loaded belongs to nobody.
        let routes = config.split("backend ").skip(1);
        let routes = routes.filter(|route| !route.starts_with("rollcall:"));
        all.extend(routes.map(|route| {
            let name = route.lines().next().unwrap_or_default();
            (format!("backend {name}"), route.trim_end().to_owned())
        }));
        let lines = map.lines().filter_map(|line| line.split_once(' '));
        all.extend(lines.map(|(name, target)| (format!("map {name}"), target.to_owned())));
        all
    }

    async fn tamper(&mut self) {
        let text = fs::read_to_string(self.config()).unwrap();
        let target = self.target();
        assert!(text.contains(&target), "{text}");
        fs::write(self.config(), text.replace(&target, "127.0.0.1:18099")).unwrap();
    }

    fn tells_lives(&self) -> bool {
        self.engine.is_some()
    }

    async fn is_born_again(&mut self) {
        self.life = "two";
    }

    async fn breaks(&mut self, how: Broken) -> bool {
        match (how, &self.engine) {
            (Broken::Unreachable, Some(engine)) => {
                engine.change(|record| record.state = NodeState::Exited);
            }
            (Broken::Silent, Some(engine)) => {
                *engine.kills.lock().unwrap() = Some(Box::new(|| true));
            }
            (how, _) => return self.breaks_by_itself(how),
        }
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}

impl InHaproxy {
    fn breaks_by_itself(&mut self, how: Broken) -> bool {
        match how {
            Broken::Unreachable => self.proxy.stop(),
            Broken::Silent => {
                self.proxy.stop();
                let socket = self.proxy.path("master");
                let _ = fs::remove_file(&socket);
                self.silent = Some(UnixListener::bind(socket).unwrap());
            }
            Broken::Nonsense(0) => fs::write(self.config(), self.others()).unwrap(),
            Broken::Nonsense(1) => fs::write(self.config(), [0xff, 0xfe, 0x00]).unwrap(),
            Broken::Nonsense(_) => return false,
        }
        true
    }
}
