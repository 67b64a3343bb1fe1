//! Selectors: by label, and by the few fields that can be selected by.

use serde_json::Value;

use super::failure::Failure;
use super::object;

/// What one label must be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// Which objects are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    /// Fields and their values; `false` for "not this value".
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// From the parameters `labelSelector` and `fieldSelector`.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, Failure> {
        Ok(Self {
            labels: parts(labels).map(label).collect::<Result<_, _>>()?,
            fields: parts(fields).map(field).collect::<Result<_, _>>()?,
        })
    }

    /// From a `LabelSelector` document: `matchLabels` and `matchExpressions`.
    pub(crate) fn of(document: &Value) -> Result<Self, Failure> {
        let mut labels = Vec::new();
        for (key, value) in document["matchLabels"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            labels.push(Requirement::In(key.clone(), vec![value]));
        }
        for each in document["matchExpressions"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let key = each["key"].as_str().unwrap_or_default().to_owned();
            let values = each["values"].as_array().into_iter().flatten();
            let values = values.filter_map(|value| Some(value.as_str()?.to_owned()));
            labels.push(match each["operator"].as_str().unwrap_or_default() {
                "In" => Requirement::In(key, values.collect()),
                "NotIn" => Requirement::NotIn(key, values.collect()),
                "Exists" => Requirement::Exists(key),
                "DoesNotExist" => Requirement::Missing(key),
                other => {
                    let message = format!("\"{other}\" is not a valid label selector operator");
                    return Err(Failure::bad_request(&message));
                }
            });
        }
        Ok(Self {
            labels,
            fields: Vec::new(),
        })
    }

    /// Whether everything is meant.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether this object is meant.
    pub(crate) fn selects(&self, object: &Value) -> bool {
        let labels = object::map(object, "labels");
        let has = |key: &str| labels.get(key).copied();
        let one_of = |key: &str, values: &[String]| {
            has(key).is_some_and(|value| values.iter().any(|wanted| wanted == value))
        };
        self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => one_of(key, values),
            Requirement::NotIn(key, values) => !one_of(key, values),
            Requirement::Exists(key) => has(key).is_some(),
            Requirement::Missing(key) => has(key).is_none(),
        }) && self.fields.iter().all(|(field, value, wanted)| {
            let found = match field.as_str() {
                "type" => object["type"].as_str().unwrap_or_default(),
                _ => object::text(object, field.trim_start_matches("metadata.")),
            };
            (found == value) == *wanted
        })
    }
}

/// Splits at the commas that are not in parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn label(text: &str) -> Result<Requirement, Failure> {
    let owned = |text: &str| text.trim().to_owned();
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(owned(key), vec![owned(value)]));
    }
    if let Some((key, value)) = text.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        if value.contains('=') {
            let message = "found '=', expected: ',' or 'end of string'";
            return Err(Failure::bad_request(message));
        }
        return Ok(Requirement::In(owned(key), vec![owned(value)]));
    }
    if let Some(key) = text.strip_prefix('!') {
        return Ok(Requirement::Missing(owned(key)));
    }
    let Some((before, list)) = text.split_once('(') else {
        return match text.split_whitespace().count() {
            1 => Ok(Requirement::Exists(owned(text))),
            _ => Err(unreadable(text)),
        };
    };
    let list = list.strip_suffix(')').ok_or_else(|| unreadable(text))?;
    let values = list.split(',').map(owned).collect();
    let words: Vec<&str> = before.split_whitespace().collect();
    match words[..] {
        [key, "in"] => Ok(Requirement::In(key.to_owned(), values)),
        [key, "notin"] => Ok(Requirement::NotIn(key.to_owned(), values)),
        _ => Err(unreadable(text)),
    }
}

fn field(text: &str) -> Result<(String, String, bool), Failure> {
    let (key, value, wanted) = text
        .split_once("!=")
        .map(|(key, value)| (key, value, false))
        .or_else(|| text.split_once('=').map(|(key, value)| (key, value, true)))
        .ok_or_else(|| unreadable(text))?;
    if !["metadata.name", "metadata.namespace", "type"].contains(&key) {
        let message = format!("field label not supported: {key}");
        return Err(Failure::bad_request(&message));
    }
    let value = value.trim_start_matches('=').to_owned();
    Ok((key.to_owned(), value, wanted))
}

fn unreadable(text: &str) -> Failure {
    Failure::bad_request(&format!("unable to parse requirement: {text}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::Selector;
    use serde_json::json;

    #[test]
    fn labels_are_selected_by_equality_and_by_sets() {
        let object = json!({"metadata": {"name": "x", "labels": {"env": "dev", "a/b": ""}}});
        for (selector, expected) in [
            ("env=dev", true),
            ("env==dev,a/b", true),
            ("env!=dev", false),
            ("other!=dev", true),
            ("env in (test, dev)", true),
            ("env in (test),a/b", false),
            ("env notin (test,prod)", true),
            ("!env", false),
            ("!other, env", true),
            ("", true),
        ] {
            let parsed = Selector::parse(selector, "").unwrap();
            assert_eq!(parsed.selects(&object), expected, "{selector}");
        }
        assert!(Selector::parse("env within (a)", "").is_err());
    }

    #[test]
    fn a_field_that_cannot_be_selected_by_is_an_error() {
        let object = json!({"metadata": {"name": "x"}});
        let named = |name| Selector::parse("", name).unwrap().selects(&object);
        assert!(named("metadata.name=x"));
        assert!(!named("metadata.name!=x"));
        assert!(Selector::parse("", "spec.x=1").is_err());
    }
}
