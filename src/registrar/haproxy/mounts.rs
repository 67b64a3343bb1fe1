//! One place in two file systems: this host's, and a container's.

use std::path::{Path, PathBuf};

use crate::provider::MountRecord;

/// Where the container has a folder of this host; `None`: it does not have it, or something else lies over it.
pub(super) fn inside(mounts: &[MountRecord], folder: &Path) -> Option<PathBuf> {
    let rest = |mount: &MountRecord| {
        let source = mount.source.as_deref()?;
        let rest = folder.strip_prefix(real(source)).ok()?;
        Some(join(&mount.destination, rest))
    };
    let mut places: Vec<PathBuf> = mounts.iter().filter_map(rest).collect();
    places.retain(|place| outside(mounts, place).is_some_and(|back| back == folder));
    places.sort();
    places.into_iter().next()
}

/// Where the container has a file of this host, if it has the folder.
pub(super) fn there(mounts: &[MountRecord], file: &Path) -> Option<PathBuf> {
    let folder = inside(mounts, &real(file.parent()?))?;
    Some(folder.join(file.file_name()?))
}

/// Where this host has a place of the container; `None`: it is the container's alone.
pub(super) fn outside(mounts: &[MountRecord], place: &Path) -> Option<PathBuf> {
    let over = mounts
        .iter()
        .filter(|mount| place.starts_with(&mount.destination));
    // What is mounted deeper lies over what is mounted above it.
    let mount = over.max_by_key(|mount| mount.destination.components().count())?;
    let rest = place.strip_prefix(&mount.destination).ok()?;
    Some(join(&real(mount.source.as_deref()?), rest))
}

/// Joining nothing would leave a slash at the end.
fn join(path: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() {
        return path.to_owned();
    }
    path.join(rest)
}

/// The path behind links, where it is there.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(all: &[(&str, &str)]) -> Vec<MountRecord> {
        let mount = |(source, destination): &(&str, &str)| MountRecord {
            source: (!source.is_empty()).then(|| source.into()),
            destination: destination.into(),
        };
        all.iter().map(mount).collect()
    }

    fn found(all: &[(&str, &str)], folder: &str) -> Option<String> {
        let place = inside(&mounts(all), Path::new(folder))?;
        Some(place.display().to_string())
    }

    #[test]
    fn a_folder_is_found_by_the_mount_that_it_is_in() {
        let all = [("/nowhere/proxy", "/etc/haproxy"), ("", "/var/lib/haproxy")];
        assert_eq!(
            found(&all, "/nowhere/proxy").as_deref(),
            Some("/etc/haproxy")
        );
        assert_eq!(
            found(&all, "/nowhere/proxy/rollcall").as_deref(),
            Some("/etc/haproxy/rollcall")
        );
        for other in ["/nowhere", "/nowhere/proxy2", "/etc/haproxy"] {
            assert_eq!(found(&all, other), None, "{other}");
        }
    }

    #[test]
    fn a_single_file_is_no_folder() {
        let all = [("/nowhere/proxy/haproxy.cfg", "/etc/haproxy/haproxy.cfg")];
        assert_eq!(found(&all, "/nowhere/proxy"), None);
    }

    #[test]
    fn what_lies_over_a_folder_hides_it() {
        let all = [("/nowhere/a", "/etc"), ("/nowhere/b", "/etc/proxy")];
        assert_eq!(found(&all, "/nowhere/a/proxy"), None);
        assert_eq!(
            found(&all, "/nowhere/b/deep").as_deref(),
            Some("/etc/proxy/deep")
        );
        let volume = [("/nowhere/a", "/etc"), ("", "/etc/proxy")];
        assert_eq!(found(&volume, "/nowhere/a/proxy"), None);
        assert_eq!(
            outside(&mounts(&volume), Path::new("/etc/proxy/master")),
            None
        );
    }
}
