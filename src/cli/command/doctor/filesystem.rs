//! Where the database lies: whether `SQLite`'s locks hold there.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::host::Reading;
use crate::model::shell_word;
use crate::report::ExitCode;

/// A file system, as the system says it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileSystem {
    /// Its number (statfs(2)).
    magic: i128,
    /// Its name, where the number says too little.
    name: Option<String>,
}

/// Many file systems, told apart by name alone.
#[cfg(any(target_os = "linux", test))]
const FUSE: i128 = 0x6573_5546;
/// Over the network, or out of another machine: locks are lost, kept for ever, or mean nothing to the others.
const UNSAFE: [(i128, &str); 7] = [
    (0x6969, "nfs"),
    (0x517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb3"),
    (0x0102_1997, "9p"),
    (0x786f_4256, "vboxsf"),
    (0x5346_414f, "afs"),
];
/// The same behind FUSE.
const UNSAFE_NAMES: [&str; 2] = ["fuse.sshfs", "fuse.vmhgfs-fuse"];
/// Local ones.
const SAFE: [(i128, &str); 9] = [
    (0xef53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0x0102_1994, "tmpfs"),
    (0x794c_7630, "overlay"),
    (0x2fc1_2fc1, "zfs"),
    (0xf2f5_2010, "f2fs"),
    (0xca45_1a4e, "bcachefs"),
    (0x3153_464a, "jfs"),
];

/// Looks at the file system of a database, or of the folder where there is none yet.
pub(super) fn look(db: &Path) -> Finding {
    finding(db, &read(&nearest(db)))
}

fn finding(db: &Path, found: &Reading<FileSystem>) -> Finding {
    let what = "file system";
    let shown = db.display();
    let found = match found {
        Ok(found) => found,
        Err(why) => return Finding::unknown(what, format!("of {shown}: {why}"), None),
    };
    let named = |table: &[(i128, &'static str)]| {
        let known = table.iter().find(|(magic, _)| *magic == found.magic);
        known.map(|(_, name)| *name)
    };
    let by_name = found.name.as_deref();
    let lost = named(&UNSAFE).or_else(|| by_name.filter(|name| UNSAFE_NAMES.contains(name)));
    if let Some(name) = lost {
        return Finding::bad(
            what,
            ExitCode::NotReady,
            format!("{shown} lies on {name}: SQLite's locks do not hold there, and two programs can destroy it"),
            Some(
                "move it to a disk of this machine: rollcall backup FILE there, then rollcall --db FILE init --moved"
                    .to_owned(),
            ),
        );
    }
    match named(&SAFE) {
        Some(name) => Finding::good(what, format!("{shown} lies on {name}")),
        None => {
            let name = found.name.clone();
            let name = name.unwrap_or_else(|| format!("one of the number {:#x}", found.magic));
            let folder = shell_word(&nearest(db).to_string_lossy());
            Finding::unknown(
                what,
                format!("{shown} lies on {name}: whether SQLite's locks hold there is not known"),
                Some(format!("see what it is: df -T {folder}")),
            )
        }
    }
}

/// The file, or what is there of the folders above it.
fn nearest(db: &Path) -> PathBuf {
    let absolute = std::path::absolute(db).unwrap_or_else(|_| db.to_owned());
    let there = absolute.ancestors().find(|path| path.exists());
    there.map_or_else(|| absolute.clone(), Path::to_owned)
}

#[cfg(target_os = "linux")]
fn read(path: &Path) -> Reading<FileSystem> {
    let said = rustix::fs::statfs(path).map_err(|error| error.to_string())?;
    // A signed number on some machines, and as wide as theirs.
    let magic = i128::from(said.f_type) & 0xffff_ffff;
    Ok(FileSystem {
        magic,
        name: (magic == FUSE).then(|| name_of(path)).flatten(),
    })
}

#[cfg(not(target_os = "linux"))]
fn read(_path: &Path) -> Reading<FileSystem> {
    Err(format!("not looked at on {}", std::env::consts::OS))
}

/// The name of the file system of a path, as `/proc/self/mountinfo` has it (proc(5)).
#[cfg(target_os = "linux")]
fn name_of(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let device = std::fs::metadata(path).ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let device = format!(
        "{}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device)
    );
    name_in(&mounts, &device)
}

/// The type of the mount of a device: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`.
#[cfg(any(target_os = "linux", test))]
fn name_in(mounts: &str, device: &str) -> Option<String> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let same = before.split(' ').nth(2) == Some(device);
        same.then(|| after.split(' ').next().map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Level;

    fn of(magic: i128, name: Option<&str>) -> Finding {
        let found = FileSystem {
            magic,
            name: name.map(str::to_owned),
        };
        finding(Path::new("/x/roll.db"), &Ok(found))
    }

    #[test]
    fn what_comes_over_the_network_is_wrong_with_the_way_out() {
        let fuse = |name| of(FUSE, Some(name));
        let mut wrong: Vec<Finding> = UNSAFE.iter().map(|(magic, _)| of(*magic, None)).collect();
        wrong.extend(UNSAFE_NAMES.map(fuse));
        for found in wrong {
            assert_eq!(found.level, Level::Bad, "{found:?}");
            assert!(
                found
                    .remedy
                    .as_ref()
                    .is_some_and(|text| text.contains("rollcall backup"))
            );
        }
        for (magic, name) in SAFE {
            let found = of(magic, None);
            assert_eq!(found.level, Level::Good, "{found:?}");
            assert!(found.said.ends_with(name), "{found:?}");
        }
        for (magic, name) in [(FUSE, Some("fuse.gocryptfs")), (FUSE, None), (0x4242, None)] {
            assert_eq!(of(magic, name).level, Level::Unknown, "{magic:#x}");
        }
        let silent = finding(Path::new("/x"), &Err("nobody says".to_owned()));
        assert_eq!(silent.level, Level::Unknown);
    }

    #[test]
    fn a_mount_is_found_by_its_device() {
        let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                      40 22 0:45 / /home/me/far rw,nosuid shared:9 - fuse.sshfs me@far:/ rw,user_id=0\ngarbage\n";
        assert_eq!(name_in(mounts, "0:45").as_deref(), Some("fuse.sshfs"));
        assert_eq!(name_in(mounts, "8:1").as_deref(), Some("ext4"));
        assert_eq!(name_in(mounts, "9:9"), None);
    }

    #[test]
    fn of_a_database_that_is_not_there_its_folder_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("not/yet/roll.db");
        assert_eq!(nearest(&missing), dir.path());
        let file = dir.path().join("roll.db");
        std::fs::write(&file, "").unwrap();
        assert_eq!(nearest(&file), file);
        if cfg!(target_os = "linux") {
            assert_eq!(read(dir.path()), read(&file));
            assert!(read(&file).is_ok());
        }
    }
}
