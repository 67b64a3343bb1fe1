//! What a handler is given.

use crate::double::{Double, Inner};
use crate::guard::bouncer::Caller;
use crate::http::payload::Payload;
use crate::http::reply::Failure;
use crate::http::request::Request;
use crate::store::Database;
use crate::store::endpoint::Endpoint;
use crate::version::Version;

/// One request on its way through a handler.
pub(crate) struct Call<'a> {
    /// The server.
    pub(crate) double: &'a Double,
    /// What it may change.
    pub(crate) inner: &'a mut Inner,
    /// The request.
    pub(crate) request: &'a Request,
    /// What the braces of the route's pattern matched.
    pub(crate) ids: Vec<&'a str>,
    /// Who asks, unless everybody may.
    pub(crate) caller: Option<Caller>,
}

impl Call<'_> {
    /// The records.
    pub(crate) fn database(&mut self) -> &mut Database {
        &mut self.inner.database
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.double.clock().now()
    }

    /// Which Portainer this is.
    pub(crate) fn version(&self) -> Version {
        self.double.options().version
    }

    /// The object in the body.
    pub(crate) fn payload(&self) -> Result<Payload, Failure> {
        Payload::read(&self.request.body)
    }

    /// The number in the path at `place`, of a `noun`.
    pub(crate) fn id(&self, place: usize, noun: &str) -> Result<u32, Failure> {
        numbered(&self.ids, place, noun)
    }

    /// The environment that the path names first.
    pub(crate) fn endpoint(&mut self) -> Result<Endpoint, Failure> {
        let id = self.id(0, "environment")?;
        find(&self.inner.database, id)
    }
}

/// The number in the path at `place`, of a `noun`; what is no number is 400.
pub(crate) fn numbered(ids: &[&str], place: usize, noun: &str) -> Result<u32, Failure> {
    let text = ids.get(place).copied().unwrap_or_default();
    text.parse().map_err(|_| {
        Failure::bad_request(&format!("Invalid {noun} identifier route variable"))
            .because(&format!("strconv.Atoi: parsing {text:?}: invalid syntax"))
    })
}

/// An environment, or 404.
pub(crate) fn find(database: &Database, id: u32) -> Result<Endpoint, Failure> {
    database.endpoint(id).ok_or_else(|| {
        Failure::not_found(
            "Unable to find an environment with the specified identifier inside the database",
        )
    })
}
