//! From the generators of an application set to parameters, one set of them per Application.

use serde_json::{Map, Value, json};

use super::registry::{Cluster, Registry};
use super::template::Language;
use crate::apiserver::selector::Selector;

/// The parameters of every generator, in their order.
pub(super) fn parameters(spec: &Value, registry: &Registry) -> Result<Vec<Value>, String> {
    let language = Language::of(spec);
    let mut found = Vec::new();
    for generator in spec["generators"].as_array().into_iter().flatten() {
        for (sort, content) in generator.as_object().into_iter().flatten() {
            found.extend(match sort.as_str() {
                "list" => list(content, language)?,
                "clusters" => clusters(content, registry, language)?,
                other => return Err(format!("this double does not know the generator {other}")),
            });
        }
    }
    Ok(found)
}

/// Whether the Secrets of clusters have a part in it (clustereventhandler.go:53-112).
pub(super) fn reads_clusters(spec: &Value) -> bool {
    let generators = spec["generators"].as_array();
    let mut generators = generators.into_iter().flatten();
    generators.any(|generator| generator.get("clusters").is_some())
}

/// generators/list.go:63-86.
fn list(content: &Value, language: Language) -> Result<Vec<Value>, String> {
    let mut elements = content["elements"].as_array().cloned().unwrap_or_default();
    if let Some(text) = content["elementsYaml"]
        .as_str()
        .filter(|text| !text.is_empty())
    {
        let more: Vec<Value> = serde_saphyr::from_str(text)
            .map_err(|error| format!("error unmarshalling decoded ElementsYaml {error}"))?;
        elements.extend(more);
    }
    match language {
        Language::Go { .. } => Ok(elements),
        Language::Fast => elements.iter().map(flat).collect(),
    }
}

/// Without Go's templates an element is texts, and one map of texts called `values`.
fn flat(element: &Value) -> Result<Value, String> {
    let mut params = Map::new();
    for (key, value) in element.as_object().into_iter().flatten() {
        match value {
            Value::Object(values) if key == "values" => {
                for (name, value) in values {
                    params.insert(format!("values.{name}"), text(value)?);
                }
            }
            value => {
                params.insert(key.clone(), text(value)?);
            }
        }
    }
    Ok(Value::Object(params))
}

fn text(value: &Value) -> Result<Value, String> {
    let refused = || format!("error parsing value as string {value}");
    value.is_string().then(|| value.clone()).ok_or_else(refused)
}

/// generators/cluster.go: a selector leaves out what has no Secret; of two clusters with one name
/// the last one wins (:184).
fn clusters(
    content: &Value,
    registry: &Registry,
    language: Language,
) -> Result<Vec<Value>, String> {
    let selector = Selector::of(&content["selector"]).map_err(|error| error.message)?;
    let mut found: Vec<&Cluster> = Vec::new();
    for cluster in registry.all() {
        let labels = json!({"metadata": {"labels": cluster.labels}});
        if cluster.implicit && !selector.is_empty() || !selector.selects(&labels) {
            continue;
        }
        found.retain(|known| known.name != cluster.name);
        found.push(cluster);
    }
    found
        .into_iter()
        .map(|cluster| {
            let mut params = match language {
                Language::Fast => flat_cluster(cluster),
                Language::Go { .. } => nested_cluster(cluster),
            };
            let values = language.fill(&content["values"], &params)?;
            match language {
                Language::Fast => {
                    for (key, value) in values.as_object().into_iter().flatten() {
                        params[format!("values.{key}")] = value.clone();
                    }
                }
                Language::Go { .. } => params["values"] = values,
            }
            Ok(params)
        })
        .collect()
}

fn nested_cluster(cluster: &Cluster) -> Value {
    json!({
        "name": cluster.name,
        "nameNormalized": normalized(&cluster.name),
        "server": cluster.server,
        "project": cluster.project,
        "metadata": {"labels": cluster.labels, "annotations": cluster.annotations},
    })
}

fn flat_cluster(cluster: &Cluster) -> Value {
    let mut params = nested_cluster(cluster);
    for (field, map) in [
        ("labels", &cluster.labels),
        ("annotations", &cluster.annotations),
    ] {
        for (key, value) in map {
            params[format!("metadata.{field}.{key}")] = json!(value);
        }
    }
    crate::apiserver::object::remove(&mut params, "metadata");
    params
}

fn normalized(name: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '-' || letter == '.' {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(letter).collect();
    name.trim_matches(['-', '.']).to_owned()
}
