//! JSON bodies as Go decodes them: keys whatever their case, unknown keys ignored, null as absent.

use serde_json::{Map, Value};

use super::reply::Failure;

/// The object in a request's body.
#[derive(Debug)]
pub(crate) struct Payload(Map<String, Value>);

impl Payload {
    /// Reads the body; what is no JSON object is 400 (P `pkg/libhttp/request/payload.go`).
    pub(crate) fn read(body: &[u8]) -> Result<Self, Failure> {
        if body.is_empty() {
            return Err(Failure::payload("EOF"));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(Value::Null) => Ok(Self(Map::new())),
            Ok(_) => Err(Failure::payload("json: cannot unmarshal into Go value")),
            Err(error) => Err(Failure::payload(&error.to_string())),
        }
    }

    /// The value of a key, if there is one.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .get(key)
            .or_else(|| {
                let mut others = self.0.iter();
                others.find_map(|(name, value)| name.eq_ignore_ascii_case(key).then_some(value))
            })
            .filter(|value| !value.is_null())
    }

    /// A text; absent is nothing, another type is 400.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, Failure> {
        self.typed(key, |value| value.as_str().map(str::to_owned))
    }

    /// A whole number that is not negative.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u32>, Failure> {
        self.typed(key, number)
    }

    /// A truth value.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Failure> {
        self.typed(key, Value::as_bool)
    }

    /// A list of whole numbers.
    pub(crate) fn numbers(&self, key: &str) -> Result<Option<Vec<u32>>, Failure> {
        self.typed(key, |value| value.as_array()?.iter().map(number).collect())
    }

    /// An object.
    pub(crate) fn object(&self, key: &str) -> Result<Option<Value>, Failure> {
        self.typed(key, |value| value.is_object().then(|| value.clone()))
    }

    fn typed<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        self.get(key)
            .map(|value| {
                read(value).ok_or_else(|| {
                    Failure::payload(&format!(
                        "json: cannot unmarshal {value} into Go struct field {key}"
                    ))
                })
            })
            .transpose()
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::Payload;

    #[test]
    fn a_key_is_found_whatever_its_case_and_null_is_absent() {
        let payload = Payload::read(br#"{"username":"a","TagIDs":[1,2],"Name":null}"#).unwrap();
        assert_eq!(payload.text("Username").unwrap().as_deref(), Some("a"));
        assert_eq!(payload.numbers("tagids").unwrap(), Some(vec![1, 2]));
        assert_eq!(payload.text("Name").unwrap(), None);
    }

    #[test]
    fn another_type_and_another_body_are_refused() {
        let payload = Payload::read(br#"{"Name":7}"#).unwrap();
        assert_eq!(payload.text("Name").unwrap_err().status.as_u16(), 400);
        for body in [&b""[..], b"[]", b"Name=a"] {
            let failure = Payload::read(body).unwrap_err();
            assert_eq!(failure.message, "Invalid request payload");
        }
    }
}
