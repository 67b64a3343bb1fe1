//! How an environment is shown.

use serde_json::{Value, json};

use crate::store::endpoint::Endpoint;
use crate::version::Version;

/// An environment as a version shows it (P `api/portainer.go:370-449`), with its snapshot or
/// without.
pub(crate) fn shown(endpoint: &Endpoint, version: Version, snapshots: bool) -> Value {
    let mut document = json!(endpoint);
    if let Some(fields) = document.as_object_mut() {
        fields.remove("SnapshotTime");
        if !version.has_container_engine() {
            fields.remove("ContainerEngine");
        }
        for (name, value) in always() {
            fields.insert(name.to_owned(), value);
        }
    }
    if let Some(time) = endpoint.snapshot_time.filter(|_| snapshots) {
        if endpoint.kind.is_kubernetes() {
            document["Kubernetes"]["Snapshots"] = json!([kubernetes(time)]);
        } else {
            document["Snapshots"] = json!([docker(time)]);
        }
    }
    document
}

/// What does not change here, nulls included.
fn always() -> [(&'static str, Value); 9] {
    [
        ("Snapshots", json!([])),
        (
            "AzureCredentials",
            json!({"ApplicationID": "", "TenantID": "", "AuthenticationKey": ""}),
        ),
        (
            "PostInitMigrations",
            json!({"MigrateIngresses": false, "MigrateGPUs": false}),
        ),
        ("ComposeSyntaxMaxVersion", json!("3.9")),
        (
            "SecuritySettings",
            json!({
                "allowBindMountsForRegularUsers": true,
                "allowPrivilegedModeForRegularUsers": true,
                "allowVolumeBrowserForRegularUsers": false,
                "allowHostNamespaceForRegularUsers": true,
                "allowDeviceMappingForRegularUsers": true,
                "allowStackManagementForRegularUsers": true,
                "allowContainerCapabilitiesForRegularUsers": true,
                "allowSysctlSettingForRegularUsers": true,
                "enableHostManagementFeatures": false,
            }),
        ),
        (
            "Edge",
            json!({
                "AsyncMode": false,
                "PingInterval": 0,
                "SnapshotInterval": 0,
                "CommandInterval": 0,
            }),
        ),
        ("AuthorizedUsers", Value::Null),
        ("AuthorizedTeams", Value::Null),
        ("Tags", Value::Null),
    ]
}

fn kubernetes(time: i64) -> Value {
    json!({
        "Time": time,
        "KubernetesVersion": "v1.34.1",
        "NodeCount": 1,
        "TotalCPU": 4,
        "TotalMemory": 8_000_000_000_u64,
    })
}

fn docker(time: i64) -> Value {
    json!({"Time": time, "DockerVersion": "28.0.0", "TotalCPU": 4, "RunningContainerCount": 0})
}
