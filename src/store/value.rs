//! Values as `SQLite` holds them: compared, shown and kept with their types.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use serde_json::{Map, json};

use crate::model::{SqlValue, one_line};

/// A value, copied whole.
pub(super) fn owned(value: ValueRef<'_>) -> SqlValue {
    match value {
        ValueRef::Null => SqlValue::Null,
        ValueRef::Integer(number) => SqlValue::Integer(number),
        ValueRef::Real(number) => SqlValue::Real(number),
        ValueRef::Blob(bytes) => SqlValue::Blob(bytes.to_vec()),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => SqlValue::Text(text.to_owned()),
            Err(_) => SqlValue::Blob(bytes.to_vec()),
        },
    }
}

/// The text of a TEXT value that is UTF-8.
pub(super) fn text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// What `typeof()` says about a value.
pub(super) fn type_of(value: &SqlValue) -> &'static str {
    match value {
        SqlValue::Null => "null",
        SqlValue::Integer(_) => "integer",
        SqlValue::Real(_) => "real",
        SqlValue::Text(_) => "text",
        SqlValue::Blob(_) => "blob",
    }
}

/// A value as one printable line of at most `max` characters; of a megabyte only the beginning is looked at.
pub(super) fn shown(value: ValueRef<'_>, max: usize) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Blob(bytes) => format!("BLOB of {} bytes", bytes.len()),
        ValueRef::Text(bytes) => {
            // No character is longer than four bytes.
            let head = &bytes[..bytes.len().min(max.saturating_mul(4))];
            let line = one_line(&String::from_utf8_lossy(head), max);
            if bytes.len() > head.len() && !line.ends_with('…') {
                let kept = line.chars().take(max.saturating_sub(1));
                return kept.chain(['…']).collect();
            }
            line
        }
    }
}

impl ToSql for SqlValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A value for a tombstone: `{"type":"integer","value":7}`. JSON has no infinity, no blob and no text that is not
/// UTF-8, so a REAL is kept as text that reads back as the same bits, and bytes in hexadecimal.
pub(super) fn to_json(value: ValueRef<'_>) -> serde_json::Value {
    match value {
        ValueRef::Null => json!({"type": "null"}),
        ValueRef::Integer(number) => json!({"type": "integer", "value": number}),
        ValueRef::Real(number) => json!({"type": "real", "value": format!("{number:?}")}),
        ValueRef::Blob(bytes) => json!({"type": "blob", "hex": to_hex(bytes)}),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!({"type": "text", "value": text}),
            Err(_) => json!({"type": "text", "hex": to_hex(bytes)}),
        },
    }
}

/// A value out of a tombstone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    /// The value to bind.
    pub(super) value: Value,
    /// It is TEXT that is not UTF-8: to be bound as its bytes and cast.
    pub(super) cast: bool,
}

/// Reads a tombstone's value; `None` when it is none.
pub(super) fn from_json(json: &serde_json::Value) -> Option<Kept> {
    let cell: &Map<_, _> = json.as_object()?;
    let value = cell.get("value");
    let bytes = || from_hex(cell.get("hex")?.as_str()?);
    let plain = |value| Kept { value, cast: false };
    Some(match cell.get("type")?.as_str()? {
        "null" => plain(Value::Null),
        "integer" => plain(Value::Integer(value?.as_i64()?)),
        "real" => plain(Value::Real(value?.as_str()?.parse().ok()?)),
        "blob" => plain(Value::Blob(bytes()?)),
        "text" => match value {
            Some(text) => plain(Value::Text(text.as_str()?.to_owned())),
            None => Kept {
                value: Value::Blob(bytes()?),
                cast: true,
            },
        },
        _ => return None,
    })
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes in hexadecimal.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(HEX[usize::from(nibble & 15)]);
    let digits = |byte: &u8| [digit(byte >> 4), digit(*byte)];
    bytes.iter().flat_map(digits).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: &u8| HEX.iter().position(|hex| hex == c);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_from_its_json_with_its_type() {
        let text = Value::Text("a\0b 'ü'".to_owned());
        let reals = [1.0, -0.0, f64::INFINITY, f64::MIN_POSITIVE, 0.1 + 0.2];
        let reals = reals.into_iter().map(Value::Real);
        let others = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            text,
            Value::Text(String::new()),
            Value::Blob(vec![0, 255, 16]),
            Value::Blob(vec![]),
        ];
        for value in reals.chain(others) {
            let written = serde_json::to_string(&to_json(ValueRef::from(&value))).unwrap();
            let read = from_json(&serde_json::from_str(&written).unwrap()).unwrap();
            assert_eq!(
                format!("{:?}", read.value),
                format!("{value:?}"),
                "{written}"
            );
        }
        let torn = from_json(&to_json(ValueRef::Text(&[0xff, 0x41]))).unwrap();
        assert_eq!(
            (torn.value, torn.cast),
            (Value::Blob(vec![0xff, 0x41]), true)
        );
        for wrong in [
            json!(1),
            json!({"type": "blob", "hex": "0"}),
            json!({"type": "x"}),
        ] {
            assert_eq!(from_json(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_megabyte_is_shown_as_a_line() {
        let long = "x".repeat(1 << 20);
        let line = shown(ValueRef::Text(long.as_bytes()), 64);
        assert_eq!(line.chars().count(), 64);
        assert!(line.ends_with('…'));
        let blank = [b" ".repeat(1 << 20), b"x".to_vec()].concat();
        assert_eq!(shown(ValueRef::Text(&blank), 64), "…");
        assert_eq!(
            shown(ValueRef::Text(b"a\x1b[2J\xff"), 64),
            "a\\u{1b}[2J\u{fffd}"
        );
    }
}
