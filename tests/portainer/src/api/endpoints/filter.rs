//! Which environments a list holds (P `api/http/handler/endpoints/filter.go`).

use crate::http::reply::Failure;
use crate::http::request::Request;
use crate::store::database::Kept;
use crate::store::endpoint::{Endpoint, Status};
use crate::store::records::Group;

/// What the query asks for.
#[derive(Debug)]
pub(crate) struct Filter {
    endpoint_ids: Vec<u32>,
    exclude_ids: Vec<u32>,
    group_ids: Vec<u32>,
    statuses: Vec<u32>,
    types: Vec<u32>,
    tag_ids: Vec<u32>,
    any_tag: bool,
    name: String,
    search: String,
    untrusted: bool,
}

impl Filter {
    /// Reads the query (`filter.go:42`). Lists are read from names with brackets alone: `types=7`
    /// is ignored, `types[]=x` is 400.
    pub(crate) fn read(request: &Request) -> Result<Self, Failure> {
        Ok(Self {
            endpoint_ids: numbers(request, "endpointIds")?,
            exclude_ids: numbers(request, "excludeIds")?,
            group_ids: numbers(request, "groupIds")?,
            statuses: numbers(request, "status")?,
            types: numbers(request, "types")?,
            tag_ids: numbers(request, "tagIds")?,
            any_tag: request.flag("tagsPartialMatch"),
            name: request.parameter("name"),
            search: request.parameter("search").to_lowercase(),
            untrusted: request.flag("edgeDeviceUntrusted"),
        })
    }

    /// Whether the list holds this environment (`filter.go:123`).
    pub(crate) fn holds(&self, endpoint: &Endpoint, kept: &Kept, now: i64) -> bool {
        let group = kept.group(endpoint.group_id);
        let wanted = |list: &[u32], number: u32| list.is_empty() || list.contains(&number);
        let status = || {
            let default = kept.settings.edge_agent_checkin_interval;
            effective_status(endpoint, default, now).into()
        };
        wanted(&self.endpoint_ids, endpoint.id)
            && !self.exclude_ids.contains(&endpoint.id)
            && wanted(&self.group_ids, endpoint.group_id)
            && (self.name.is_empty() || endpoint.name == self.name)
            // Untrusted ones are shown alone or not at all (filter.go:160-168).
            && (!endpoint.kind.is_edge() || endpoint.user_trusted != self.untrusted)
            && wanted(&self.statuses, status())
            && (self.search.is_empty() || self.finds(endpoint, group, kept))
            && wanted(&self.types, endpoint.kind.0)
            && self.has_tags(endpoint, group)
    }

    /// Part of a name, an address, a tag or a group, whatever the case (`filter.go:298`).
    fn finds(&self, endpoint: &Endpoint, group: Option<&Group>, kept: &Kept) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&self.search);
        let tagged = |ids: &[u32]| {
            let mut tags = kept.tags.iter();
            tags.any(|tag| ids.contains(&tag.id) && has(&tag.name))
        };
        let status = match endpoint.status {
            Status::Up => "up",
            Status::Down => "down",
        };
        has(&endpoint.name)
            || has(&endpoint.url)
            || status == self.search
            || tagged(&endpoint.tag_ids)
            || group.is_some_and(|group| has(&group.name) || tagged(&group.tag_ids))
    }

    /// All of the tags, its group's included, unless any one is enough (`filter.go:450`).
    fn has_tags(&self, endpoint: &Endpoint, group: Option<&Group>) -> bool {
        let of_group = group.map_or(&[][..], |group| &group.tag_ids);
        let has = |tag: &u32| endpoint.tag_ids.contains(tag) || of_group.contains(tag);
        if self.tag_ids.is_empty() {
            true
        } else if self.any_tag {
            self.tag_ids.iter().any(has)
        } else {
            self.tag_ids.iter().all(has)
        }
    }
}

/// For this filter alone, an edge environment is up while its heart beats (`filter.go:332`).
fn effective_status(endpoint: &Endpoint, default_interval: u32, now: i64) -> Status {
    if !endpoint.kind.is_edge() {
        endpoint.status
    } else if endpoint.last_check_in_date != 0 && endpoint.beats(now, default_interval) {
        Status::Up
    } else {
        Status::Down
    }
}

/// `filter.go:559`, :568.
fn numbers(request: &Request, name: &str) -> Result<Vec<u32>, Failure> {
    let bracketed = format!("{name}[]");
    request
        .query()
        .filter(|(key, _)| *key == bracketed)
        .map(|(_, value)| {
            value.parse().map_err(|_| {
                Failure::bad_request("Invalid query parameters").because(&format!(
                    "Unable to parse parameter {name}: \
                     strconv.Atoi: parsing {value:?}: invalid syntax"
                ))
            })
        })
        .collect()
}
