//! What HAProxy reads, in its order: files as they are named, and a folder as its `*.cfg` in the order of their names.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::CONFIG;
use super::mounts::real;

/// One file that HAProxy reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum File {
    /// The generated one.
    Ours,
    /// One of the user's own, as HAProxy calls it. A folder that this host has not stays a folder.
    Theirs(PathBuf),
}

/// All of them. `named` is what HAProxy is started with, as it calls it; `dir` is our folder on this host, and `here` says
/// where this host has a place of HAProxy's. Where nothing names ours, it is the last one.
pub(super) fn in_order(
    named: &[PathBuf],
    dir: &Path,
    here: impl Fn(&Path) -> Option<PathBuf>,
) -> io::Result<Vec<File>> {
    let dir = real(dir);
    let is_ours = |folder: Option<&Path>, name: &Path| {
        let folder = folder.and_then(&here);
        name.ends_with(CONFIG) && folder.is_some_and(|folder| real(&folder) == dir)
    };
    let mut all = Vec::new();
    for name in named {
        let Some(folder) = here(name).filter(|place| place.is_dir()) else {
            all.push(if is_ours(name.parent(), name) {
                File::Ours
            } else {
                File::Theirs(name.clone())
            });
            continue;
        };
        let mut inside = configurations(&folder)?;
        // It need not be there yet.
        if real(&folder) == dir {
            inside.insert(OsString::from(CONFIG));
        }
        all.extend(inside.into_iter().map(|file| {
            if is_ours(Some(name), Path::new(&file)) {
                File::Ours
            } else {
                File::Theirs(name.join(file))
            }
        }));
    }
    if !all.contains(&File::Ours) {
        all.push(File::Ours);
    }
    Ok(all)
}

/// What HAProxy reads of a folder (its manual, "-f"): no hidden files, in the order of the C locale.
fn configurations(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_read = path.extension().is_some_and(|end| end == "cfg") && path.is_file();
        let name = path.file_name().filter(|_| is_read);
        let shown = name.filter(|name| !name.to_string_lossy().starts_with('.'));
        all.extend(shown.map(ToOwned::to_owned));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, and the order in which HAProxy reads what it is started with: by the names in there.
    fn order(files: &[&str], named: &[&str], dir: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let named: Vec<PathBuf> = named
            .iter()
            .map(|name| Path::new("/etc").join(name))
            .collect();
        let here = |place: &Path| Some(root.path().join(place.strip_prefix("/etc/mnt").ok()?));
        let all = in_order(&named, &root.path().join(dir), here).unwrap();
        let all = all.into_iter();
        all.map(|file| match file {
            File::Ours => "ours".to_owned(),
            File::Theirs(path) => path.display().to_string(),
        })
        .collect()
    }

    #[test]
    fn ours_is_where_its_name_puts_it() {
        let files = [
            "p/haproxy.cfg",
            "p/00-base.cfg",
            "p/rollcall.map",
            "p/.old.cfg",
        ];
        let expected = ["/etc/mnt/p/00-base.cfg", "ours", "/etc/mnt/p/haproxy.cfg"];
        assert_eq!(order(&files, &["mnt/p"], "p"), expected);
        let written = [&files[..], &["p/50-rollcall.cfg"]].concat();
        assert_eq!(order(&written, &["mnt/p/"], "p"), expected);
        let alone = ["/etc/mnt/p/00-base.cfg", "ours"];
        let named = ["mnt/p/00-base.cfg", "mnt/p/50-rollcall.cfg"];
        assert_eq!(order(&files, &named, "p"), alone);
        assert_eq!(order(&files, &named[..1], "p"), alone);
        assert_eq!(
            order(&files, &["mnt/p/50-rollcall.cfg", "x.cfg"], "p"),
            ["ours", "/etc/x.cfg"]
        );
    }

    #[test]
    fn every_folder_that_this_host_has_is_spelt_out() {
        let files = ["conf.d/b.cfg", "conf.d/a.cfg", "p/haproxy.cfg"];
        assert_eq!(
            order(&files, &["mnt/conf.d", "own.d", "mnt/p"], "p"),
            [
                "/etc/mnt/conf.d/a.cfg",
                "/etc/mnt/conf.d/b.cfg",
                "/etc/own.d",
                "ours",
                "/etc/mnt/p/haproxy.cfg"
            ]
        );
    }
}
