//! k3d's load balancer: forwards TCP as `/etc/confd/values.yaml` says (`config`), to servers
//! whose names it asks Docker for, one listener per port (`forward`).
//!
//! Like the nginx it stands in for, it learns the servers' addresses when it loads its
//! configuration and keeps them: a server that comes back with another address is not found
//! until the load balancer is restarted. It starts only if every name is known, and keeps
//! the old configuration if a new one is wrong. UDP is not forwarded.

mod config;
mod forward;

use std::path::Path;
use std::time::Duration;

use crate::error::Error;
use crate::{dns, say, shutdown};
use config::Config;
use forward::Listeners;

const VALUES: &str = "/etc/confd/values.yaml";

/// How often the configuration is looked at; the real one looks every second.
const POLL: Duration = Duration::from_millis(100);

/// Forwards until asked to stop.
pub(crate) async fn run() -> Result<u8, Error> {
    shutdown::or_signal(follow()).await?;
    Ok(0)
}

async fn follow() -> Result<(), Error> {
    let mut text = wait_for_values().await;
    let mut listeners = load(&text).await?;
    loop {
        tokio::time::sleep(POLL).await;
        let Ok(now) = tokio::fs::read_to_string(VALUES).await else {
            continue;
        };
        if now == text {
            continue;
        }
        text = now;
        match resolved(&text).await {
            Ok(plan) => {
                listeners.close().await;
                listeners = Listeners::open(plan).await?;
                announce();
            }
            Err(error) => say::complain(&crate::error::chain(&error)),
        }
    }
}

/// k3d writes the file before it starts the container; somebody else may write it later.
async fn wait_for_values() -> String {
    loop {
        if let Ok(text) = tokio::fs::read_to_string(VALUES).await {
            return text;
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn load(text: &str) -> Result<Listeners, Error> {
    let listeners = Listeners::open(resolved(text).await?).await?;
    announce();
    Ok(listeners)
}

/// The line k3d waits for, once per load: it counts only lines since it wrote the file.
fn announce() {
    say::line("[notice] 1#1: start worker processes");
}

async fn resolved(text: &str) -> Result<Vec<forward::Forward>, Error> {
    let config = Config::parse(text)?;
    let server = dns::name_server(Path::new("/etc/resolv.conf"))?;
    let mut plan = Vec::new();
    for (port, names) in config.tcp {
        let mut targets = Vec::new();
        for name in names {
            let Some(address) = dns::lookup(server, &name).await else {
                // k3d looks for these words when the awaited line does not come.
                let message = format!("load: host not found in upstream \"{name}:{port}\"");
                return Err(Error::Other(message));
            };
            targets.push((address, port).into());
        }
        plan.push(forward::Forward { port, targets });
    }
    Ok(plan)
}
