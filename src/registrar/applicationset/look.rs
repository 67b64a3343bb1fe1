//! One look at the set, at what it made, and at the clusters that Argo CD knows.

use serde_json::Value;

use super::application::Application;
use super::cluster::{Cluster, SECRET_TYPE};
use super::element::{Pattern, document};
use super::selector::Selectors;
use super::set::{Set, names};
use super::template::Language;
use super::wire::{Place, keys_of_others};
use super::{APPLICATION_KIND, APPLICATION_SET_KIND, ApplicationSet, Way};
use crate::model::{ClusterId, Fingerprint};
use crate::registrar::api::{Api, SECRET};
use crate::registrar::{Fault, RegistrarError};

/// Whether the cluster Secrets are read in a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    /// Where the view of the set needs them.
    IfNeeded,
    /// In any case.
    Always,
}

/// How clusters get into the set that was read.
#[derive(Debug, Clone)]
pub(super) enum Generator {
    /// By the labels of their Secrets.
    Labels,
    /// As elements of the list there.
    Elements(Pattern, Place),
}

/// What was seen.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// The set.
    pub(super) set: Set,
    /// The Applications that it made.
    pub(super) apps: Vec<Application>,
    /// The clusters that Argo CD knows, if they were read.
    pub(super) clusters: Vec<Cluster>,
    /// How clusters get into the set.
    pub(super) generator: Generator,
    /// The set's name, for messages and fingerprints.
    pub(super) shown: String,
}

impl ApplicationSet {
    /// The API of Argo CD's cluster, by the kubeconfig as it is now.
    pub(super) async fn api(&self) -> Result<Api, RegistrarError> {
        Api::of_context(&self.settings.kubeconfig, &self.settings.context).await
    }

    /// The set; `None`: there is none, or the API knows of no such sort.
    pub(super) async fn set(&self, api: &Api) -> Result<Option<Set>, RegistrarError> {
        let (namespace, name) = (&self.settings.namespace, &self.settings.name);
        let found = api.get(APPLICATION_SET_KIND, Some(namespace), name);
        Ok(found.await?.map(Set))
    }

    /// The Applications that this set made.
    pub(super) async fn apps(
        &self,
        api: &Api,
        set: &Set,
    ) -> Result<Vec<Application>, RegistrarError> {
        Ok(made_by(self.all_apps(api).await?, set))
    }

    async fn all_apps(&self, api: &Api) -> Result<Vec<Application>, RegistrarError> {
        let namespace = Some(self.settings.namespace.as_str());
        let all = api.list(APPLICATION_KIND, namespace, None).await?;
        Ok(all.into_iter().map(Application::of).collect())
    }

    /// The clusters that Argo CD knows.
    pub(super) async fn clusters(&self, api: &Api) -> Result<Vec<Cluster>, RegistrarError> {
        let namespace = Some(self.settings.namespace.as_str());
        let label = format!("{SECRET_TYPE}=cluster");
        let all = api.list(SECRET, namespace, Some(&label)).await?;
        Ok(all.iter().map(Cluster::of).collect())
    }

    /// How clusters get into this set, if they can.
    pub(super) fn generator(&self, set: &Set) -> Result<Generator, RegistrarError> {
        let failed = |why: &str, hint: String| {
            let message = format!("{}: {why}", self.shown());
            RegistrarError::new(Fault::Permanent, message).hint(hint)
        };
        match &self.settings.way {
            Way::Labels if Selectors::of(set.spec()).is_none() => Err(failed(
                "it has no cluster generator",
                format!(
                    "give it one that selects {SECRET_TYPE}: cluster, or list its elements in the settings"
                ),
            )),
            Way::Labels => Ok(Generator::Labels),
            Way::Elements { key, element } => {
                let place = Place::find(set.spec(), key).map_err(|why| {
                    let hint = format!(
                        "name the key that bears the cluster's name, or leave one list with {key}"
                    );
                    failed(&why, hint)
                })?;
                let (key, element) = (key.clone(), element.clone());
                Ok(Generator::Elements(Pattern { key, element }, place))
            }
        }
    }

    /// Looks: all that is needed in any case at once. `None`: the set is not there.
    pub(super) async fn look(
        &self,
        api: &Api,
        secrets: Secrets,
    ) -> Result<Option<Look>, RegistrarError> {
        let needed = secrets == Secrets::Always || self.settings.way == Way::Labels;
        let clusters = async {
            if needed {
                self.clusters(api).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let (set, apps, clusters) = tokio::join!(self.set(api), self.all_apps(api), clusters);
        // Whatever belongs to a set that is not there is none of ours.
        let Some(set) = set? else {
            return Ok(None);
        };
        let generator = self.generator(&set)?;
        let apps = made_by(apps?, &set);
        let by_server = apps.iter().any(|app| app.destination.name.is_none());
        let clusters = match clusters? {
            Some(clusters) => clusters,
            None if by_server => self.clusters(api).await?,
            None => Vec::new(),
        };
        Ok(Some(Look {
            set,
            apps,
            clusters,
            generator,
            shown: self.shown(),
        }))
    }
}

/// The Applications that a set made.
fn made_by(apps: Vec<Application>, set: &Set) -> Vec<Application> {
    let own = apps.into_iter();
    own.filter(|app| app.is_owned_by(set.uid())).collect()
}

impl Look {
    /// The elements of this cluster.
    pub(super) fn elements(&self, id: &ClusterId) -> Vec<&Value> {
        let Generator::Elements(pattern, place) = &self.generator else {
            return Vec::new();
        };
        let elements = place.elements(self.set.spec()).iter();
        elements
            .filter(|element| pattern.is_of(element, id))
            .collect()
    }

    /// Whether the set selects the Secret of this cluster.
    pub(super) fn is_selected(&self, id: &ClusterId) -> bool {
        let selected = |cluster: &Cluster| {
            let own = cluster.labels.get("provider");
            cluster.name == id.name.as_str()
                && own.is_none_or(|own| own == id.provider.as_str())
                && Selectors::of(self.set.spec()).is_some_and(|all| all.select(&cluster.labels))
        };
        self.clusters.iter().any(selected)
    }

    /// What the set says of this cluster: its element, that it is selected, or that an Application is left over.
    pub(super) fn fingerprint(&self, id: &ClusterId) -> Option<Fingerprint> {
        let in_it = match &self.generator {
            Generator::Labels => self
                .is_selected(id)
                .then(|| Fingerprint::of([("selected by", self.shown.clone())])),
            Generator::Elements(pattern, _) => self
                .elements(id)
                .first()
                .map(|element| pattern.fingerprint(element)),
        };
        let left_over = || {
            let left = self.left_of(id)?;
            Some(Fingerprint::of([("left over", left.name().to_owned())]))
        };
        in_it.or_else(left_over)
    }

    /// Applications that wait to go although nothing makes them any more.
    pub(super) fn left_over(&self) -> impl Iterator<Item = &Application> {
        self.apps.iter().filter(|app| {
            let name = app.destination.name.as_deref();
            app.is_deleting() && !name.is_some_and(|name| self.has(name))
        })
    }

    /// Whether any element, or any selected Secret, is of a cluster of this name.
    fn has(&self, name: &str) -> bool {
        match &self.generator {
            Generator::Labels => self.clusters.iter().any(|cluster| cluster.name == name),
            Generator::Elements(pattern, place) => place
                .elements(self.set.spec())
                .iter()
                .any(|element| pattern.name(element) == Some(name)),
        }
    }

    /// The Applications of this cluster: by the name that its element makes, where that is plain, else by where they go.
    pub(super) fn apps_of(&self, id: &ClusterId) -> Vec<&Application> {
        let (named, own) = (self.app_name(id), self.clusters_of(id));
        let is_its = |app: &&Application| match &named {
            Some(name) => app.name() == name,
            None => goes_to(app, id, &own),
        };
        self.apps.iter().filter(is_its).collect()
    }

    /// The Secrets of this cluster.
    fn clusters_of(&self, id: &ClusterId) -> Vec<&Cluster> {
        let name = id.name.as_str();
        let clusters = self.clusters.iter();
        clusters.filter(|cluster| cluster.name == name).collect()
    }

    /// An Application of this cluster that waits to go although nothing makes it any more.
    fn left_of(&self, id: &ClusterId) -> Option<&Application> {
        let own = self.clusters_of(id);
        self.left_over().find(|app| goes_to(app, id, &own))
    }

    /// The name of the Application that the element of this cluster makes.
    fn app_name(&self, id: &ClusterId) -> Option<String> {
        let Generator::Elements(pattern, place) = &self.generator else {
            return None;
        };
        let spec = self.set.spec();
        let own = place
            .template(spec)
            .and_then(|own| own["metadata"]["name"].as_str());
        let own = own.filter(|own| !own.is_empty());
        let text = own.or_else(|| spec["template"]["metadata"]["name"].as_str())?;
        let wanted = document(&pattern.wanted(id));
        let element = self
            .elements(id)
            .first()
            .copied()
            .unwrap_or(&wanted)
            .clone();
        self.set.language().fill(text, &element)
    }

    /// What is wrong with the entry of this cluster.
    pub(super) fn trouble(&self, id: &ClusterId) -> Option<String> {
        if let Some(wrong) = self.wrong_element(id) {
            return Some(wrong);
        }
        let (apps, error) = (self.apps_of(id), self.set.error());
        if apps.is_empty() {
            return self.left_of(id).and_then(Application::trouble).or_else(|| {
                let none = "Argo CD has made no application of it";
                Some(error.map_or(none.to_owned(), |error| format!("{none}: {error}")))
            });
        }
        let own = apps.iter().find_map(|app| app.trouble());
        let named = |error: &String| {
            names(error, id.name.as_str()) || apps.iter().any(|app| names(error, app.name()))
        };
        own.or_else(|| error.filter(named))
    }

    fn wrong_element(&self, id: &ClusterId) -> Option<String> {
        let Generator::Elements(pattern, place) = &self.generator else {
            return None;
        };
        match self.elements(id)[..] {
            [] => None,
            [element] => {
                let key = lacking(&self.set, pattern, place, element)?;
                Some(format!("its element lacks {key}, which the template uses"))
            }
            ref more => Some(format!("the set has {} elements of it", more.len())),
        }
    }
}

/// Whether an Application brings its workload to this cluster, which has these Secrets.
fn goes_to(app: &Application, id: &ClusterId, own: &[&Cluster]) -> bool {
    app.destination.name.as_deref() == Some(id.name.as_str())
        || own.iter().any(|cluster| cluster.is(&app.destination))
}

/// The first key that a set's templates use and an element lacks. Of what others of the list do not have either, nobody
/// can tell whether it comes from the list at all, unless the list is all there is.
pub(super) fn lacking(
    set: &Set,
    pattern: &Pattern,
    place: &Place,
    element: &Value,
) -> Option<String> {
    let spec = set.spec();
    let mut used = set.language().used(&spec["template"]);
    used.extend(Language::Go.used(&spec["templatePatch"]));
    if let Some(own) = place.template(spec) {
        used.extend(set.language().used(own));
    }
    let name = pattern.name(element).unwrap_or_default();
    let others = keys_of_others(place.elements(spec), pattern, name);
    let from_list = |key: &String| match &others {
        Some(keys) => keys.contains(&key),
        None => !place.nested,
    };
    used.into_iter()
        .filter(from_list)
        .find(|key| element.get(key).is_none())
}
