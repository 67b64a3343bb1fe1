//! Filling an Application's template: fasttemplate's `{{key}}`, and as much of Go's templates as
//! elements need: `{{.key}}`, `{{.metadata.labels.env}}`, `{{index .metadata.labels "a/b"}}`.

use serde_json::{Map, Value};

/// In which language a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// fasttemplate: what is not known stays as it is.
    Fast,
    /// Go's: what is not known is an error (`missingkey=error`) or `<no value>`.
    Go {
        /// Whether it is an error.
        strict: bool,
    },
}

impl Language {
    /// The language that an application set's spec asks for.
    pub(super) fn of(spec: &Value) -> Self {
        if spec["goTemplate"] != true {
            return Self::Fast;
        }
        let options = spec["goTemplateOptions"].as_array();
        let mut options = options.into_iter().flatten();
        Self::Go {
            strict: options.any(|option| option == "missingkey=error"),
        }
    }

    /// Fills every text of a document, keys included.
    pub(super) fn fill(self, template: &Value, params: &Value) -> Result<Value, String> {
        Ok(match template {
            Value::String(text) => Value::String(self.text(text, params)?),
            Value::Array(items) => items
                .iter()
                .map(|item| self.fill(item, params))
                .collect::<Result<_, _>>()?,
            Value::Object(map) => {
                let mut filled = Map::new();
                for (key, value) in map {
                    filled.insert(self.text(key, params)?, self.fill(value, params)?);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }

    fn text(self, text: &str, params: &Value) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((expression, behind)) = after.split_once("}}") else {
                break;
            };
            filled.push_str(before);
            match self {
                Self::Fast => match params.get(expression.trim()) {
                    Some(value) => filled.push_str(&plain(value)),
                    None => filled.extend(["{{", expression, "}}"]),
                },
                Self::Go { strict } => {
                    let expression = expression.trim_matches('-').trim();
                    filled.push_str(&go(expression, params, strict)?);
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// A Go expression: a path, or `index` of a path by keys.
fn go(expression: &str, params: &Value, strict: bool) -> Result<String, String> {
    let words: Vec<&str> = expression.split_whitespace().collect();
    let (path, keys) = match words[..] {
        [path] => (path, &[][..]),
        ["index", path, ref keys @ ..] => (path, keys),
        _ => return Err(unknown(expression)),
    };
    let path = path.strip_prefix('.').ok_or_else(|| unknown(expression))?;
    let quoted = |key: &&str| key.trim_matches(['"', '`']).to_owned();
    let path = path.split('.').filter(|key| !key.is_empty());
    let keys: Vec<String> = path
        .map(str::to_owned)
        .chain(keys.iter().map(quoted))
        .collect();
    let mut value = params;
    for key in &keys {
        match value.get(key) {
            Some(inner) => value = inner,
            None if strict => {
                return Err(format!(
                    "failed to execute go template: map has no entry for key \"{key}\""
                ));
            }
            None => return Ok("<no value>".to_owned()),
        }
    }
    Ok(plain(value))
}

fn unknown(expression: &str) -> String {
    format!("failed to parse template: this double does not know {{{{{expression}}}}}")
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::Language;
    use serde_json::json;

    #[test]
    fn fasttemplate_knows_flat_keys_and_leaves_the_others() {
        let params = json!({"name": "dev", "metadata.labels.env": "test"});
        let template = json!({"a": "{{name}}-{{ metadata.labels.env }}", "b": "{{other}}"});
        let filled = Language::Fast.fill(&template, &params);
        assert_eq!(filled, Ok(json!({"a": "dev-test", "b": "{{other}}"})));
    }

    #[test]
    fn a_go_template_walks_into_maps_and_a_missing_key_can_be_an_error() {
        let params = json!({"name": "dev", "n": 3, "metadata": {"labels": {"a/b": "c"}}});
        let go = |text: &str, strict| Language::Go { strict }.text(text, &params);
        assert_eq!(go("{{.name}}-{{ .n }}", true).as_deref(), Ok("dev-3"));
        assert_eq!(
            go("{{index .metadata.labels \"a/b\"}}", true).as_deref(),
            Ok("c")
        );
        assert_eq!(go("{{.other}}", false).as_deref(), Ok("<no value>"));
        assert!(go("{{.other}}", true).is_err());
        assert!(go("{{name}}", true).is_err());
        assert!(go("{{.name | upper}}", true).is_err());
    }
}
