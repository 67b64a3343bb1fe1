//! Forms, multipart or urlencoded, as Go's `r.FormValue` and `r.FormFile` read them.

use hyper::header::CONTENT_TYPE;
use serde_json::Value;

use super::reply::Failure;
use super::request::Request;

/// The fields of a form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    values: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
}

impl Form {
    /// Reads the body by its type; the pairs of the query come after it. A body that is no form
    /// has no fields, because Portainer ignores that error (P `pkg/libhttp/request/request.go:59`).
    pub(crate) async fn read(request: &Request) -> Self {
        let content_type = request.header(CONTENT_TYPE.as_str());
        let mut form = match multer::parse_boundary(content_type) {
            Ok(boundary) => multipart(&request.body, boundary).await.unwrap_or_default(),
            Err(_) if content_type.starts_with("application/x-www-form-urlencoded") => Self {
                values: form_urlencoded::parse(&request.body).into_owned().collect(),
                files: Vec::new(),
            },
            Err(_) => Self::default(),
        };
        form.values.extend(request.query());
        form
    }

    /// A field's first value, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.values
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// The number in a field; absent or no number is nought, whose error Portainer ignores.
    pub(crate) fn number(&self, name: &str) -> u32 {
        self.text(name).parse().unwrap_or(0)
    }

    /// A field that is exactly `true` (P `pkg/libhttp/request/request.go:81`).
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// A field that holds a list of numbers in JSON.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<u32>, Failure> {
        let text = self.text(name);
        let wrong = || Failure::payload(&format!("invalid {name} parameter"));
        if text.is_empty() {
            return Ok(Vec::new());
        }
        match serde_json::from_str(text).map_err(|_| wrong())? {
            Value::Null => Ok(Vec::new()),
            list => serde_json::from_value(list).map_err(|_| wrong()),
        }
    }

    /// An uploaded file; an urlencoded form has none.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, bytes)| bytes.as_slice())
    }
}

async fn multipart(body: &[u8], boundary: String) -> multer::Result<Form> {
    let mut parts = multer::Multipart::with_reader(body, boundary);
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_some() {
            form.files.push((name, part.bytes().await?.to_vec()));
        } else {
            form.values.push((name, part.text().await?));
        }
    }
    Ok(form)
}
