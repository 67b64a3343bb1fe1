//! How a person reaches a cluster.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::exit::Exit;

/// The current context, after it was switched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UseDoc {
    /// Always `rollcall.use/v1`.
    pub schema: String,
    /// Which cluster, `PROVIDER/NAME`.
    pub cluster: String,
    /// The context that is current now.
    pub context: String,
    /// The one that was; none: there was none.
    pub before: Option<String>,
    /// Whether that is another one.
    pub changed: bool,
    /// The command that switches back.
    pub back: Option<String>,
    /// The kubeconfig, where it is a file.
    pub file: Option<String>,
    /// What a person should know about it.
    pub warnings: Vec<String>,
    /// How the call ended.
    pub exit: Exit,
}

/// One kubeconfig. It holds a client key, so it has no `Debug` and is written nowhere but to standard output.
#[derive(Serialize, JsonSchema)]
pub struct KubeconfigDoc {
    /// Always `rollcall.kubeconfig/v1`.
    pub schema: String,
    /// Which cluster, `PROVIDER/NAME`.
    pub cluster: String,
    /// Its context, which is the current one.
    pub context: String,
    /// Where its API is.
    pub server: String,
    /// The kubeconfig itself: kubectl reads it as JSON too.
    pub kubeconfig: Value,
    /// What a person should know about it.
    pub warnings: Vec<String>,
    /// How the call ended.
    pub exit: Exit,
}
