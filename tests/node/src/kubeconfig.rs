//! The kubeconfig a node hands out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::pki::Authority;

/// The names a kubeconfig is written with; k3d and kind each expect their own.
pub(crate) struct Names<'a> {
    /// The cluster's entry.
    pub(crate) cluster: &'a str,
    /// The user's entry.
    pub(crate) user: &'a str,
    /// The context's entry.
    pub(crate) context: &'a str,
    /// The API's address.
    pub(crate) server: &'a str,
}

/// A kubeconfig with exactly one cluster, user and context, and a client certificate for `subject`.
pub(crate) fn render(
    names: &Names<'_>,
    authority: &Authority,
    subject: &str,
) -> Result<String, Error> {
    let client = authority.client(subject, "system:masters")?;
    let Names {
        cluster,
        user,
        context,
        server,
    } = names;
    Ok(format!(
        "apiVersion: v1
kind: Config
clusters:
- name: {cluster}
  cluster:
    certificate-authority-data: {ca}
    server: {server}
contexts:
- name: {context}
  context:
    cluster: {cluster}
    user: {user}
current-context: {context}
preferences: {{}}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
",
        ca = STANDARD.encode(authority.pem()),
        certificate = STANDARD.encode(&client.certificate_pem),
        key = STANDARD.encode(&client.key_pem),
    ))
}
