//! What differs between the versions of Portainer: table 2.6 of the facts, and nothing else.

use hyper::StatusCode;

use crate::store::endpoint::EndpointType;

/// A version that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// 2.19.5
    V2_19,
    /// 2.21.5
    V2_21,
    /// 2.23.0
    V2_23,
    /// 2.33.2
    V2_33,
    /// 2.39.0
    V2_39,
    /// 2.41.1
    V2_41,
}

/// How requests with the login cookie are kept from being forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// Not at all.
    Unchecked,
    /// gorilla/csrf: a token in a header and its secret in a cookie.
    Token,
    /// gorilla/csrf from 1.7.3 on, which also looks at where the request comes from.
    TokenAndOrigin,
    /// Go's `http.CrossOriginProtection`, which looks at headers alone.
    Headers,
}

impl Version {
    /// All of them, oldest first.
    pub(crate) const ALL: [Self; 6] = [
        Self::V2_19,
        Self::V2_21,
        Self::V2_23,
        Self::V2_33,
        Self::V2_39,
        Self::V2_41,
    ];

    /// The version with this number.
    pub(crate) fn numbered(number: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.number() == number)
    }

    /// What the server says its version is.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::V2_19 => "2.19.5",
            Self::V2_21 => "2.21.5",
            Self::V2_23 => "2.23.0",
            Self::V2_33 => "2.33.2",
            Self::V2_39 => "2.39.0",
            Self::V2_41 => "2.41.1",
        }
    }

    /// Protection against forged requests. 2.39 was not read; 2.38.1 still logged gorilla's.
    pub(crate) fn forgery(self) -> Forgery {
        match self {
            Self::V2_19 => Forgery::Unchecked,
            Self::V2_21 | Self::V2_23 => Forgery::Token,
            Self::V2_33 | Self::V2_39 => Forgery::TokenAndOrigin,
            Self::V2_41 => Forgery::Headers,
        }
    }

    /// How a request with both an API key and an Authorization header is refused, if it is
    /// (from 2.20 on: P `bouncer.go:602-628`; P41).
    pub(crate) fn refuses_two_credentials(self) -> Option<StatusCode> {
        match self {
            Self::V2_19 => None,
            Self::V2_41 => Some(StatusCode::UNAUTHORIZED),
            _ => Some(StatusCode::FORBIDDEN),
        }
    }

    /// Whether `DELETE /api/endpoints` exists (from 2.21.0 on).
    pub(crate) fn deletes_in_bulk(self) -> bool {
        self >= Self::V2_21
    }

    /// Whether `POST /api/endpoints/delete` exists (P39).
    pub(crate) fn deletes_in_bulk_by_post(self) -> bool {
        self >= Self::V2_39
    }

    /// Whether environments have a `ContainerEngine` (from 2.22 on).
    pub(crate) fn has_container_engine(self) -> bool {
        self >= Self::V2_23
    }

    /// What a new edge environment is until its agent is heard of (P39
    /// `endpoint_create_test.go`). The switch is somewhere between 2.24 and 2.39.
    pub(crate) fn new_edge_type(self, container_engine: &str) -> EndpointType {
        if self >= Self::V2_39 && container_engine.is_empty() {
            EndpointType::EDGE_KUBERNETES
        } else {
            EndpointType::EDGE_DOCKER
        }
    }

    /// Whether TLS for an edge environment is refused (P41).
    pub(crate) fn refuses_edge_tls(self) -> bool {
        self >= Self::V2_41
    }

    /// Whether trusted origins must be whole origins instead of bare host names (P41 `main.go`).
    pub(crate) fn trusts_whole_origins(self) -> bool {
        self >= Self::V2_41
    }
}

#[cfg(test)]
mod tests {
    use super::{Forgery, Version};
    use crate::store::endpoint::EndpointType;

    #[test]
    fn the_version_table_is_that_of_the_facts() {
        let rows: Vec<_> = Version::ALL
            .into_iter()
            .map(|version| {
                (
                    version.number(),
                    version.forgery() != Forgery::Unchecked,
                    version.deletes_in_bulk(),
                    version.deletes_in_bulk_by_post(),
                    version.has_container_engine(),
                    version.new_edge_type(""),
                )
            })
            .collect();
        let (four, seven) = (EndpointType::EDGE_DOCKER, EndpointType::EDGE_KUBERNETES);
        assert_eq!(
            rows,
            [
                ("2.19.5", false, false, false, false, four),
                ("2.21.5", true, true, false, false, four),
                ("2.23.0", true, true, false, true, four),
                ("2.33.2", true, true, false, true, four),
                ("2.39.0", true, true, true, true, seven),
                ("2.41.1", true, true, true, true, seven),
            ]
        );
    }

    #[test]
    fn a_version_is_found_by_its_whole_number_alone() {
        for version in Version::ALL {
            assert_eq!(Version::numbered(version.number()), Some(version));
        }
        assert_eq!(Version::numbered("2.33"), None);
    }
}
