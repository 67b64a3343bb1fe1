//! The real HAProxy.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use rollcall::model::{Ports, RegistrationView};
use rollcall::registrar::{
    Haproxy, HaproxyOnHost, HaproxyPlace, HaproxySettings, RegisterOrder, Registrar,
};

use crate::cluster::{KEY, order, providers};
use crate::place::{Broken, Place};
use crate::proxy::Proxy;

/// A HAProxy that runs, with a folder of routes.
pub(crate) struct InHaproxy {
    proxy: Proxy,
    registrar: Arc<Haproxy>,
    /// A socket where nobody answers.
    silent: Option<UnixListener>,
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
        order("one")
    }

    fn leads_there(&self, entry: &RegistrationView, order: &RegisterOrder) -> bool {
        entry.leads_to == order.cluster.ports && entry.endpoint == "127.0.0.1:18081"
    }

    async fn others_come(&mut self) {
        fs::write(self.proxy.path("rollcall/rollcall.map"), "mine none\n").unwrap();
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let [config, map] = self.proxy.files();
        let mut all = BTreeMap::from([(
            "base".to_owned(),
            fs::read_to_string(self.proxy.path("base.cfg")).unwrap(),
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
        assert!(text.contains(":18081"), "{text}");
        fs::write(self.config(), text.replace(":18081", ":18099")).unwrap();
    }

    fn tells_lives(&self) -> bool {
        false
    }

    async fn is_born_again(&mut self) {}

    async fn breaks(&mut self, how: Broken) -> bool {
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

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}
