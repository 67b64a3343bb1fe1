//! The real HAProxy with a user's own file, as the documents tell to write it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How a HAProxy is told to load anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Through its master's socket.
    Socket,
    /// By a signal, as in a container without such a socket.
    Signal,
    /// By a signal that it does not hear: it has no master.
    Nobody,
}

/// A HAProxy of its own with the user's file, and a folder for rollcall.
pub(crate) struct Proxy {
    dir: tempfile::TempDir,
    child: Option<Child>,
    told: Told,
    own: Own,
    /// How HAProxy calls the folder, where that is another name: a link.
    pub(crate) inside: Option<PathBuf>,
    pub(crate) port: u16,
}

/// Where the user's own file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// Beside the folder, and before it.
    Before,
    /// In the folder, which is all that HAProxy is started with, under the name that most give it: after what is generated.
    Within,
}

impl Own {
    fn name(self) -> &'static str {
        match self {
            Self::Before => "base.cfg",
            Self::Within => "rollcall/haproxy.cfg",
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
        if let Some(inside) = &self.inside {
            let _ = fs::remove_file(inside);
        }
    }
}

impl Proxy {
    /// Running, with nothing routed.
    pub(crate) fn new() -> Self {
        Self::told_by(Told::Socket, Own::Before)
    }

    /// The same, told in this way, with the user's file there.
    pub(crate) fn told_by(told: Told, own: Own) -> Self {
        Self::of(told, own, tempfile::tempdir().unwrap(), None)
    }

    /// The same, with another name for the folder, as in a container.
    pub(crate) fn boxed(told: Told, own: Own) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().file_name().unwrap().to_str().unwrap();
        let inside = dir.path().with_file_name(format!("{name}.inside"));
        std::os::unix::fs::symlink(dir.path(), &inside).unwrap();
        Self::of(told, own, dir, Some(inside))
    }

    fn of(told: Told, own: Own, dir: tempfile::TempDir, inside: Option<PathBuf>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut proxy = Self {
            dir,
            child: None,
            told,
            own,
            inside,
            port,
        };
        fs::create_dir(proxy.path("rollcall")).unwrap();
        fs::write(proxy.path("rollcall/rollcall.map"), "").unwrap();
        fs::write(proxy.own(), proxy.base()).unwrap();
        proxy.start();
        proxy
    }

    /// The user's file.
    pub(crate) fn own(&self) -> PathBuf {
        self.path(self.own.name())
    }

    /// What the documents tell a user to write.
    pub(crate) fn base(&self) -> String {
        format!(
            "global\n    hard-stop-after 5s\n    stats socket {} level admin expose-fd listeners\n\
             defaults\n    mode http\n    timeout connect 2s\n    timeout client 20s\n    timeout server 20s\n\
             frontend http\n    bind 127.0.0.1:{}\n\
             \x20   http-request set-var(txn.env) req.hdr(host),field(1,:),lower,field(2,.)\n\
             \x20   use_backend %[var(txn.env),map_str({})]\n    default_backend none\n\
             backend none\n    http-request return status 404\n",
            self.path("stats").display(),
            self.port,
            self.called("rollcall/rollcall.map").display(),
        )
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn start(&mut self) {
        let mut command = Command::new("/usr/sbin/haproxy");
        match self.told {
            Told::Socket => command.arg("-W").arg("-S").arg(self.path("master")),
            Told::Signal => command.args(["-W", "-db"]),
            Told::Nobody => command.arg("-db"),
        };
        if self.own == Own::Before {
            command.arg("-f").arg(self.own());
        }
        let child = command
            .arg("-f")
            .arg(self.path("rollcall"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.path("log")).unwrap())
            .spawn()
            .unwrap();
        fs::write(self.path("pid"), child.id().to_string()).unwrap();
        self.child = Some(child);
        // The master listens last.
        let master =
            || self.told != Told::Socket || UnixStream::connect(self.path("master")).is_ok();
        let up = || master() && TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        while !up() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends master and worker.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill")
                .args(["-s", "TERM", &child.id().to_string()])
                .status();
            let _ = child.wait();
        }
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How HAProxy calls a file of it.
    pub(crate) fn called(&self, name: &str) -> PathBuf {
        let dir = self.inside.as_deref();
        dir.unwrap_or(self.dir.path()).join(name)
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What a request for a host of this cluster gets; empty: no answer.
    pub(crate) fn get(&self, cluster: &str) -> String {
        get(self.port, cluster)
    }

    /// The generated file and the map.
    pub(crate) fn files(&self) -> [String; 2] {
        ["50-rollcall.cfg", "rollcall.map"]
            .map(|name| fs::read_to_string(self.path("rollcall").join(name)).unwrap_or_default())
    }

    /// How often HAProxy was asked to load anew since it started.
    pub(crate) fn reloads(&self) -> usize {
        let log = fs::read_to_string(self.path("log")).unwrap();
        log.matches("Reloading HAProxy").count()
    }
}

/// What a request for a host of this cluster gets there.
pub(crate) fn get(port: u16, cluster: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return String::new();
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: App.{cluster}.Example.Org:80\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(request.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    match answer.split_once("\r\n\r\n") {
        Some((head, _)) if head.starts_with("HTTP/1.1 404") => "404".to_owned(),
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => body.to_owned(),
        Some((head, _)) => head.to_owned(),
        None => answer,
    }
}
