//! Facts about the whole, one file per part of the API.
