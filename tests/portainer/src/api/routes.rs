//! Which path is what, for one version.

use hyper::Method;

use super::call::Call;
use super::{auth, edge_status, endpoints, groups, settings, system, tags, users};
use crate::http::reply::Answer;
use crate::version::Version;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// The administrator, who is the only user here.
    Administrator,
}

/// What is done.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    /// Something that needs the records alone.
    Quick(fn(&mut Call<'_>) -> Answer),
    /// A new environment, for which somebody may have to be called.
    Create,
    /// A look at an environment, which calls somebody.
    Snapshot,
}

/// A method and a pattern, whose segments in braces match anything.
pub(crate) struct Route {
    method: Method,
    pattern: &'static str,
    /// Who may ask.
    pub(crate) access: Access,
    /// What is done.
    pub(crate) action: Action,
}

/// The routes of one version.
pub(crate) struct Routes(Vec<Route>);

/// What a path leads to.
pub(crate) enum Found<'a> {
    /// A route, and what its braces matched.
    Route(&'a Route, Vec<&'a str>),
    /// A pattern that has no such method.
    OtherMethod(&'static str),
    /// Nothing.
    Nothing,
}

impl Found<'_> {
    /// The pattern, if one matched.
    pub(crate) fn pattern(&self) -> Option<&'static str> {
        match self {
            Self::Route(route, _) => Some(route.pattern),
            Self::OtherMethod(pattern) => Some(pattern),
            Self::Nothing => None,
        }
    }
}

impl Routes {
    /// The routes that a version has.
    pub(crate) fn of(version: Version) -> Self {
        let mut routes = public();
        routes.extend(account());
        routes.extend(environments(version));
        routes.extend(order());
        Self(routes)
    }

    /// Where a request leads; the first match wins, as in gorilla/mux.
    pub(crate) fn find<'a>(&'a self, method: &Method, path: &'a str) -> Found<'a> {
        let mut other = None;
        for route in &self.0 {
            if let Some(ids) = matched(route.pattern, path) {
                if route.method == *method {
                    return Found::Route(route, ids);
                }
                other = other.or(Some(route.pattern));
            }
        }
        other.map_or(Found::Nothing, Found::OtherMethod)
    }
}

fn open(method: Method, pattern: &'static str, handler: fn(&mut Call<'_>) -> Answer) -> Route {
    Route {
        method,
        pattern,
        access: Access::Public,
        action: Action::Quick(handler),
    }
}

fn route(method: Method, pattern: &'static str, handler: fn(&mut Call<'_>) -> Answer) -> Route {
    closed(method, pattern, Action::Quick(handler))
}

fn closed(method: Method, pattern: &'static str, action: Action) -> Route {
    Route {
        method,
        pattern,
        access: Access::Administrator,
        action,
    }
}

fn public() -> Vec<Route> {
    let (get, post) = (Method::GET, Method::POST);
    vec![
        open(get.clone(), "/api/status", system::status),
        open(get.clone(), "/api/system/status", system::status),
        open(get.clone(), "/api/settings/public", settings::public),
        open(get.clone(), "/api/users/admin/check", users::admin_check),
        open(post.clone(), "/api/users/admin/init", users::admin_init),
        open(post, "/api/auth", auth::login),
        open(get, "/api/endpoints/{id}/edge/status", edge_status::poll),
    ]
}

fn account() -> Vec<Route> {
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    vec![
        route(get.clone(), "/api/users/me", users::me),
        route(get.clone(), "/api/users/{id}", users::inspect),
        route(get.clone(), "/api/users/{id}/tokens", users::keys),
        route(post, "/api/users/{id}/tokens", users::make_key),
        route(
            Method::DELETE,
            "/api/users/{id}/tokens/{id}",
            users::remove_key,
        ),
        route(put.clone(), "/api/users/{id}/passwd", users::set_password),
        route(get, "/api/settings", settings::inspect),
        route(put, "/api/settings", settings::update),
    ]
}

fn environments(version: Version) -> Vec<Route> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let all = "/api/endpoints";
    let one = "/api/endpoints/{id}";
    let mut routes = vec![
        route(get.clone(), all, endpoints::list::list),
        closed(post.clone(), all, Action::Create),
    ];
    if version.deletes_in_bulk() {
        routes.push(route(delete.clone(), all, endpoints::delete::batch));
    }
    if version.deletes_in_bulk_by_post() {
        let batch = endpoints::delete::batch;
        routes.push(route(post.clone(), "/api/endpoints/delete", batch));
    }
    routes.extend([
        route(get, one, endpoints::inspect::inspect),
        route(put, one, endpoints::update::update),
        route(delete.clone(), one, endpoints::delete::one),
        route(
            delete,
            "/api/endpoints/{id}/association",
            endpoints::association::delete,
        ),
        closed(post, "/api/endpoints/{id}/snapshot", Action::Snapshot),
    ]);
    routes
}

/// Groups and tags.
fn order() -> Vec<Route> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let group = "/api/endpoint_groups/{id}";
    let member = "/api/endpoint_groups/{id}/endpoints/{id}";
    vec![
        route(get.clone(), "/api/endpoint_groups", groups::list),
        route(post.clone(), "/api/endpoint_groups", groups::create),
        route(get.clone(), group, groups::inspect),
        route(put.clone(), group, groups::update),
        route(delete.clone(), group, groups::delete),
        route(put, member, groups::add),
        route(delete.clone(), member, groups::remove),
        route(get, "/api/tags", tags::list),
        route(post, "/api/tags", tags::create),
        route(delete, "/api/tags/{id}", tags::delete),
    ]
}

fn matched<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut ids = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            ids.push(segment);
        } else if expected != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(ids)
}

#[cfg(test)]
mod tests {
    use super::matched;

    #[test]
    fn a_pattern_matches_the_whole_path_and_says_what_its_braces_held() {
        let pattern = "/api/endpoints/{id}";
        assert_eq!(matched(pattern, "/api/endpoints/7"), Some(vec!["7"]));
        assert_eq!(matched(pattern, "/api/endpoints/"), None);
        assert_eq!(matched(pattern, "/api/endpoints/7/association"), None);
    }
}
