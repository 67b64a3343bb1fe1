//! The kinds of objects there are.

use serde_json::Value;

/// What counts as a change of generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The kind has none.
    None,
    /// Everything but the metadata, and but the status if that is a subresource.
    Content,
}

/// One kind of objects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The API group; empty for the core.
    pub(crate) group: &'static str,
    /// The version, the only one.
    pub(crate) version: &'static str,
    /// The name in paths and messages.
    pub(crate) plural: &'static str,
    /// The name of one.
    pub(crate) singular: &'static str,
    /// The name in documents.
    pub(crate) title: &'static str,
    /// What kubectl may call it.
    pub(crate) short: &'static [&'static str],
    /// Whether its objects live in namespaces.
    pub(crate) namespaced: bool,
    /// Whether the status is written through a path of its own.
    pub(crate) status: bool,
    /// What counts as a change of generation.
    pub(crate) generation: Generation,
}

const fn core(plural: &'static str, singular: &'static str, title: &'static str) -> Kind {
    Kind {
        group: "",
        version: "v1",
        plural,
        singular,
        title,
        short: &[],
        namespaced: true,
        status: false,
        generation: Generation::None,
    }
}

const fn rbac(plural: &'static str, singular: &'static str, title: &'static str) -> Kind {
    Kind {
        group: "rbac.authorization.k8s.io",
        ..core(plural, singular, title)
    }
}

const fn argo(plural: &'static str, singular: &'static str, title: &'static str) -> Kind {
    Kind {
        group: "argoproj.io",
        version: "v1alpha1",
        generation: Generation::Content,
        ..core(plural, singular, title)
    }
}

/// Namespaces.
pub(crate) static NAMESPACE: Kind = Kind {
    namespaced: false,
    short: &["ns"],
    ..core("namespaces", "namespace", "Namespace")
};
/// Service accounts.
pub(crate) static SERVICE_ACCOUNT: Kind = Kind {
    short: &["sa"],
    ..core("serviceaccounts", "serviceaccount", "ServiceAccount")
};
/// Secrets.
pub(crate) static SECRET: Kind = core("secrets", "secret", "Secret");
/// Config maps.
pub(crate) static CONFIG_MAP: Kind = Kind {
    short: &["cm"],
    ..core("configmaps", "configmap", "ConfigMap")
};
/// Services.
pub(crate) static SERVICE: Kind = Kind {
    short: &["svc"],
    ..core("services", "service", "Service")
};
/// Nodes.
pub(crate) static NODE: Kind = Kind {
    namespaced: false,
    short: &["no"],
    ..core("nodes", "node", "Node")
};
/// Deployments.
pub(crate) static DEPLOYMENT: Kind = Kind {
    group: "apps",
    short: &["deploy"],
    status: true,
    generation: Generation::Content,
    ..core("deployments", "deployment", "Deployment")
};
/// Jobs.
pub(crate) static JOB: Kind = Kind {
    group: "batch",
    status: true,
    generation: Generation::Content,
    ..core("jobs", "job", "Job")
};
/// Cluster roles.
pub(crate) static CLUSTER_ROLE: Kind = Kind {
    namespaced: false,
    ..rbac("clusterroles", "clusterrole", "ClusterRole")
};
/// Cluster role bindings.
pub(crate) static CLUSTER_ROLE_BINDING: Kind = Kind {
    namespaced: false,
    ..rbac(
        "clusterrolebindings",
        "clusterrolebinding",
        "ClusterRoleBinding",
    )
};
/// Roles.
pub(crate) static ROLE: Kind = rbac("roles", "role", "Role");
/// Role bindings.
pub(crate) static ROLE_BINDING: Kind = rbac("rolebindings", "rolebinding", "RoleBinding");
/// Definitions of further kinds: kept, but they define nothing here.
pub(crate) static DEFINITION: Kind = Kind {
    group: "apiextensions.k8s.io",
    namespaced: false,
    short: &["crd", "crds"],
    generation: Generation::Content,
    ..core(
        "customresourcedefinitions",
        "customresourcedefinition",
        "CustomResourceDefinition",
    )
};
/// Argo CD's applications; they have no status subresource (argo-cd application-crd.yaml).
pub(crate) static APPLICATION: Kind = Kind {
    short: &["app", "apps"],
    ..argo("applications", "application", "Application")
};
/// Argo CD's application sets.
pub(crate) static APPLICATION_SET: Kind = Kind {
    short: &["appset", "appsets"],
    status: true,
    ..argo("applicationsets", "applicationset", "ApplicationSet")
};
/// Argo CD's projects.
pub(crate) static PROJECT: Kind = Kind {
    short: &["appproj", "appprojs"],
    ..argo("appprojects", "appproject", "AppProject")
};

/// Every kind, in the order of discovery.
pub(crate) static ALL: [&Kind; 16] = [
    &NAMESPACE,
    &SERVICE_ACCOUNT,
    &SECRET,
    &CONFIG_MAP,
    &SERVICE,
    &NODE,
    &DEPLOYMENT,
    &JOB,
    &CLUSTER_ROLE,
    &CLUSTER_ROLE_BINDING,
    &ROLE,
    &ROLE_BINDING,
    &DEFINITION,
    &APPLICATION,
    &APPLICATION_SET,
    &PROJECT,
];

impl Kind {
    /// The kind with this name in paths.
    pub(crate) fn at(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        ALL.into_iter()
            .find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    /// The kind that a document says it is of.
    pub(crate) fn of(document: &Value) -> Option<&'static Self> {
        let (version, name) = (&document["apiVersion"], &document["kind"]);
        ALL.into_iter()
            .find(|kind| *version == kind.api_version() && *name == kind.title)
    }

    /// The `apiVersion` of its documents.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The name in messages: `secrets`, `deployments.apps`.
    pub(crate) fn resource(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The name of one in messages about its fields: `Secret`, `Deployment.apps`.
    pub(crate) fn full_title(&self) -> String {
        if self.group.is_empty() {
            self.title.to_owned()
        } else {
            format!("{}.{}", self.title, self.group)
        }
    }

    /// Whether there is such a group in this version.
    pub(crate) fn has_group(group: &str, version: &str) -> bool {
        let mut all = ALL.into_iter();
        all.any(|kind| kind.group == group && kind.version == version)
    }

    /// Whether the kind is built into Kubernetes, and not defined by somebody else.
    pub(crate) fn built_in(&self) -> bool {
        self.group != "argoproj.io"
    }
}
