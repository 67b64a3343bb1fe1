//! What a form asks to be created.

use serde_json::Value;

use crate::http::form::Form;
use crate::http::reply::Failure;
use crate::version::Version;

/// How an environment is made: `EndpointCreationType`, 1 to 5. It is not `Endpoint.Type`
/// (P `api/http/handler/endpoints/endpoint_create.go:48-55`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// 1, and every number that means nothing: a Docker engine.
    Docker,
    /// 2
    Agent,
    /// 3
    Azure,
    /// 4
    EdgeAgent,
    /// 5
    LocalKubernetes,
}

/// A new environment, as it was asked for.
#[derive(Debug)]
pub(crate) struct Wish {
    /// The name.
    pub(crate) name: String,
    /// How it is made.
    pub(crate) creation: Creation,
    /// The address.
    pub(crate) url: String,
    /// Where published ports are reached.
    pub(crate) public_url: String,
    /// The group.
    pub(crate) group: u32,
    /// The tags.
    pub(crate) tags: Vec<u32>,
    /// Seconds between two check-ins.
    pub(crate) checkin: u32,
    /// `docker`, `podman` or nothing.
    pub(crate) container_engine: String,
    /// Graphics cards.
    pub(crate) gpus: Value,
    /// How to speak to it, if with TLS.
    pub(crate) tls: Option<WishedTls>,
}

/// TLS, as it was asked for.
#[derive(Debug)]
pub(crate) struct WishedTls {
    /// Whose signature is good, in PEM; nobody looks if it is absent.
    pub(crate) authority: Option<Vec<u8>>,
}

const TYPES: &str = "invalid environment type value. Value must be one of: \
     1 (Docker environment), 2 (Agent environment), 3 (Azure environment), \
     4 (Edge Agent environment) or 5 (Local Kubernetes environment)";

impl Wish {
    /// Reads the form (P `endpoint_create.go:57-181`); whatever is wrong is 400.
    pub(crate) fn read(form: &Form, version: Version) -> Result<Self, Failure> {
        let name = form.text("Name").to_owned();
        if name.is_empty() {
            return Err(Failure::payload("invalid environment name"));
        }
        let creation = creation(form)?;
        let container_engine = container_engine(form, version)?;
        let tags = form.numbers("TagIds")?;
        let tls = form.flag("TLS").then(|| wished_tls(form)).transpose()?;
        let edge = creation == Creation::EdgeAgent;
        if edge && tls.is_some() && version.refuses_edge_tls() {
            return Err(Failure::payload(
                "TLS configuration is not supported for Edge environments",
            ));
        }
        let url = form.text("URL").to_owned();
        if edge && url.trim_matches(' ').is_empty() {
            return Err(Failure::payload("URL cannot be empty"));
        }
        let gpus = match form.text("Gpus") {
            "" => Value::Array(Vec::new()),
            text => serde_json::from_str(text)
                .map_err(|_| Failure::payload("invalid Gpus parameter"))?,
        };
        let checkin = match form.number("EdgeCheckinInterval") {
            0 => form.number("CheckinInterval"),
            seconds => seconds,
        };
        Ok(Self {
            name,
            creation,
            url,
            public_url: form.text("PublicURL").to_owned(),
            group: form.number("GroupID").max(1),
            tags,
            checkin,
            container_engine,
            gpus,
            tls,
        })
    }
}

/// 6 and 7 are not refused: they are Docker, whose snapshot then fails.
fn creation(form: &Form) -> Result<Creation, Failure> {
    match form.number("EndpointCreationType") {
        0 => Err(Failure::payload(TYPES)),
        2 => Ok(Creation::Agent),
        3 => Ok(Creation::Azure),
        4 => Ok(Creation::EdgeAgent),
        5 => Ok(Creation::LocalKubernetes),
        _ => Ok(Creation::Docker),
    }
}

/// Before 2.22 there is no such field, and what it says is not looked at.
fn container_engine(form: &Form, version: Version) -> Result<String, Failure> {
    match form.text("ContainerEngine") {
        _ if !version.has_container_engine() => Ok(String::new()),
        engine @ ("" | "docker" | "podman") => Ok(engine.to_owned()),
        _ => Err(Failure::payload(
            "invalid container engine value. Value must be one of: 'docker' or 'podman'",
        )),
    }
}

/// What is to be verified must be uploaded, which an urlencoded form cannot do.
fn wished_tls(form: &Form) -> Result<WishedTls, Failure> {
    let upload = |field: &str, noun: &str| {
        form.file(field).map(<[u8]>::to_vec).ok_or_else(|| {
            Failure::payload(&format!(
                "invalid {noun} file. Ensure that the file is uploaded correctly"
            ))
        })
    };
    let authority = if form.flag("TLSSkipVerify") {
        None
    } else {
        Some(upload("TLSCACertFile", "CA certificate")?)
    };
    if !form.flag("TLSSkipClientVerify") {
        upload("TLSCertFile", "certificate")?;
        upload("TLSKeyFile", "key")?;
    }
    Ok(WishedTls { authority })
}
