//! The Kubernetes API alone, on a host without a container: for tests of what registers clusters.
//!
//! Everything lies below one folder: `pki`, `objects` and the `kubeconfig`. Started again on the
//! same folder it is the same cluster, with the objects it had.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

use crate::cluster::{ControlPlane, Node, Serving};
use crate::error::Error;
use crate::pki::{self, Authority};
use crate::{kubeconfig, say, shutdown};

const USAGE: &str =
    "usage: rollcall-node api --dir DIR --listen 127.0.0.1:PORT [--san NAME]... [--argocd]";

/// The same as in a node of kind.
const VERSION: &str = "v1.34.0";

/// The only context of the kubeconfig, its cluster and its user.
const CONTEXT: &str = "default";

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    dir: PathBuf,
    listen: SocketAddr,
    /// Further names of the server.
    names: Vec<String>,
    /// Whether the namespace is there from the start, and with it what acts as Argo CD.
    argocd: bool,
}

impl Options {
    fn parse(args: &[String]) -> Option<Self> {
        let (mut dir, mut listen, mut names, mut argocd) = (None, None, Vec::new(), false);
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--dir" => dir = Some(PathBuf::from(args.next()?)),
                "--listen" => listen = Some(args.next()?.parse().ok()?),
                "--san" => names.push(args.next()?.clone()),
                "--argocd" => argocd = true,
                _ => return None,
            }
        }
        Some(Self {
            dir: dir?,
            listen: listen?,
            names,
            argocd,
        })
    }
}

/// Serves until a signal asks for the end.
pub(crate) async fn run(args: &[String]) -> Result<u8, Error> {
    let Some(options) = Options::parse(args) else {
        say::complain(USAGE);
        return Ok(2);
    };
    let (serving, address) = listen(&options).await?;
    // Whoever waits for this line may connect at once: the listener keeps him until he is served.
    say::line(&format!("ready {}", address.port()));
    shutdown::or_signal(serving.run()).await?;
    Ok(0)
}

async fn listen(options: &Options) -> Result<(Serving, SocketAddr), Error> {
    let (listener, address) = bind(options.listen).await?;
    let authority = Authority::open_or_create(&options.dir.join("pki"))?;
    let node = Node {
        cluster: CONTEXT.to_owned(),
        name: "api".to_owned(),
        version: VERSION,
    };
    let control_plane = ControlPlane {
        authority: &authority,
        objects: &options.dir.join("objects"),
        names: &options.names,
    };
    let serving = node.serve_api(&control_plane, listener)?;
    if options.argocd {
        serving.make_namespace("argocd")?;
    }
    hand_out_kubeconfig(&options.dir, &authority, address)?;
    Ok((serving, address))
}

async fn bind(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen {
        port: wanted.port(),
        source,
    };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn hand_out_kubeconfig(
    dir: &Path,
    authority: &Authority,
    address: SocketAddr,
) -> Result<(), Error> {
    let names = kubeconfig::Names {
        cluster: CONTEXT,
        user: CONTEXT,
        context: CONTEXT,
        server: &format!("https://{address}"),
    };
    let text = kubeconfig::render(&names, authority, "system:admin")?;
    pki::write(&dir.join("kubeconfig"), &text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use std::path::Path;

    use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
    use kube::api::{Api, PostParams};
    use kube::config::{Config, KubeConfigOptions, Kubeconfig};
    use kube::{Client, ResourceExt as _};

    use super::{Options, listen};

    fn options(args: &str) -> Option<Options> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        Options::parse(&args)
    }

    /// A client of the kubeconfig in this folder, which calls the server by this name.
    async fn client(dir: &Path, name: Option<&str>) -> Client {
        let mut kubeconfig = Kubeconfig::read_from(dir.join("kubeconfig")).unwrap();
        let cluster = kubeconfig.clusters[0].cluster.as_mut().unwrap();
        cluster.tls_server_name = name.map(str::to_owned);
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap();
        Client::try_from(config).unwrap()
    }

    #[test]
    fn what_the_command_line_lacks_or_nobody_knows_is_refused() {
        let all = options("--dir /d --listen 127.0.0.1:0 --san a --san b --argocd").unwrap();
        assert_eq!(
            (all.names, all.argocd),
            (vec!["a".to_owned(), "b".to_owned()], true)
        );
        assert!(options("--dir /d --listen 127.0.0.1:0").is_some());
        for wrong in [
            "",
            "--dir /d",
            "--listen 127.0.0.1:0",
            "--dir /d --listen nowhere",
            "--dir /d --listen 127.0.0.1:0 --san",
            "--dir /d --listen 127.0.0.1:0 --other",
        ] {
            assert_eq!(options(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn the_kubeconfig_leads_to_the_same_cluster_after_a_new_start() {
        let dir = std::env::temp_dir().join(format!("rollcall-api-{}", std::process::id()));
        let text = format!(
            "--dir {} --listen 127.0.0.1:0 --san balancer --argocd",
            dir.display()
        );
        let options = options(&text).unwrap();
        let (serving, _) = listen(&options).await.unwrap();
        let first = tokio::spawn(serving.run());
        for name in [None, Some("kubernetes.default.svc"), Some("balancer")] {
            let namespaces: Api<Namespace> = Api::all(client(&dir, name).await);
            assert!(namespaces.get("argocd").await.is_ok(), "{name:?}");
        }
        let other: Api<Namespace> = Api::all(client(&dir, Some("stranger")).await);
        assert!(other.get("argocd").await.is_err());
        let configs = |client| Api::<ConfigMap>::namespaced(client, "default");
        let mut kept = ConfigMap::default();
        kept.metadata.name = Some("kept".to_owned());
        let params = PostParams::default();
        let made = configs(client(&dir, None).await)
            .create(&params, &kept)
            .await
            .unwrap();
        first.abort();

        let (serving, _) = listen(&options).await.unwrap();
        tokio::spawn(serving.run());
        let found = configs(client(&dir, None).await).get("kept").await.unwrap();
        assert_eq!(found.uid(), made.uid());
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[tokio::test]
    async fn without_the_flag_there_is_no_argo_cd() {
        let dir = std::env::temp_dir().join(format!("rollcall-api-plain-{}", std::process::id()));
        let options = options(&format!("--dir {} --listen 127.0.0.1:0", dir.display())).unwrap();
        let (serving, _) = listen(&options).await.unwrap();
        tokio::spawn(serving.run());
        let namespaces: Api<Namespace> = Api::all(client(&dir, None).await);
        assert!(namespaces.get("default").await.is_ok());
        assert!(namespaces.get_opt("argocd").await.unwrap().is_none());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
