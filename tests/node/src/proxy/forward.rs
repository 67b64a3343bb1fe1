//! One listener per port; each connection goes to the first server that accepts it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::error::Error;

/// As long as nginx waits, in k3d's template.
const CONNECT: Duration = Duration::from_secs(2);

/// A port and where it goes.
pub(crate) struct Forward {
    /// The port to listen on.
    pub(crate) port: u16,
    /// The servers, in the order they are tried.
    pub(crate) targets: Vec<SocketAddr>,
}

/// The ports that are listened on. Connections outlive them.
pub(crate) struct Listeners(JoinSet<()>);

impl Listeners {
    /// Listens on every port of the plan.
    pub(crate) async fn open(plan: Vec<Forward>) -> Result<Self, Error> {
        let mut tasks = JoinSet::new();
        for Forward { port, targets } in plan {
            let listener = TcpListener::bind(("0.0.0.0", port))
                .await
                .map_err(|source| Error::Listen { port, source })?;
            tasks.spawn(accept(listener, targets.into()));
        }
        Ok(Self(tasks))
    }

    /// Stops listening; when this returns, the ports are free.
    pub(crate) async fn close(mut self) {
        self.0.shutdown().await;
    }
}

async fn accept(listener: TcpListener, targets: Arc<[SocketAddr]>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(relay(client, Arc::clone(&targets)));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Without a living server the client is hung up on, as nginx would.
async fn relay(mut client: TcpStream, targets: Arc<[SocketAddr]>) {
    for target in targets.iter() {
        if let Ok(Ok(mut server)) = tokio::time::timeout(CONNECT, TcpStream::connect(target)).await
        {
            // Without this, small packets wait for each other's confirmation.
            let _as_they_are = (client.set_nodelay(true), server.set_nodelay(true));
            // An error here is one side hanging up on the other.
            let _closed = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
