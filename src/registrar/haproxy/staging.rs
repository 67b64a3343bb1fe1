//! Files that are to take the place of others: written beside them first, and renamed.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::model::shell_word;
use crate::registrar::{Fault, RegistrarError};

/// How their names begin; HAProxy reads none of them.
const PREFIX: &str = ".rollcall-";
/// How many characters follow.
const RANDOM: usize = 6;
/// HAProxy reads the files as another user than the one who writes them.
const MODE: u32 = 0o644;
/// What is older was left by a rollcall that was killed: no check takes that long.
const OLD: Duration = Duration::from_secs(600);

/// A file of ours, in this folder.
pub(super) fn stage(dir: &Path, text: &str) -> Result<NamedTempFile, RegistrarError> {
    let write = || -> io::Result<NamedTempFile> {
        let file = empty(dir)?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(MODE))?;
        filled(file, text)
    };
    write().map_err(|error| unwritable(dir, &error))
}

/// The successor of a file of the user's, beside it, with its owner and mode.
pub(super) fn stage_for(real: &Path, text: &str) -> Result<NamedTempFile, RegistrarError> {
    let dir = folder(real);
    let write = || -> io::Result<NamedTempFile> {
        let staged = empty(dir)?;
        let (file, was) = (staged.as_file(), fs::metadata(real)?);
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (was.uid(), was.gid()) {
            fchown(file, Some(was.uid()), Some(was.gid()))?;
        }
        file.set_permissions(was.permissions())?;
        filled(staged, text)
    };
    write().map_err(|error| unwritable(dir, &error))
}

/// Renames it into place.
pub(super) fn keep(staged: NamedTempFile, path: &Path) -> Result<(), RegistrarError> {
    let kept = staged.persist(path);
    kept.map(|_| ())
        .map_err(|error| unwritable(folder(path), &error.error))
}

/// A copy beside it, under a name that HAProxy does not read and nothing has.
pub(super) fn back_up(real: &Path, text: &str) -> Result<PathBuf, RegistrarError> {
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0;
    loop {
        let more = match number {
            0 => String::new(),
            number => format!(".{number}"),
        };
        let backup = real.with_file_name(format!("{name}.before-rollcall{more}"));
        match stage_for(real, text)?.persist_noclobber(&backup) {
            Ok(_) => return Ok(backup),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(unwritable(folder(real), &error.error)),
        }
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

/// A new one; those that are old go.
fn empty(dir: &Path) -> io::Result<NamedTempFile> {
    let staged = tempfile::Builder::new()
        .prefix(PREFIX)
        .rand_bytes(RANDOM)
        .tempfile_in(dir)?;
    // What cannot be swept is in nobody's way.
    let _ = sweep(dir, &staged);
    Ok(staged)
}

fn filled(mut staged: NamedTempFile, text: &str) -> io::Result<NamedTempFile> {
    staged.write_all(text.as_bytes())?;
    staged.as_file().sync_all()?;
    Ok(staged)
}

/// Takes away what a rollcall left that was killed. The file system's own time counts: that of the one just made.
fn sweep(dir: &Path, staged: &NamedTempFile) -> io::Result<()> {
    let now = staged.as_file().metadata()?.modified()?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let is_ours = rest.is_some_and(|rest| {
            rest.len() == RANDOM && rest.chars().all(|c| c.is_ascii_alphanumeric())
        });
        let meta = entry.metadata()?;
        let age = now.duration_since(meta.modified()?).unwrap_or_default();
        if is_ours && meta.is_file() && age > OLD {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A folder that cannot be written into; nobody knows the names of files that were only staged there.
fn unwritable(dir: &Path, error: &io::Error) -> RegistrarError {
    let shown = dir.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            let dir = shell_word(&dir.to_string_lossy());
            RegistrarError::new(
                Fault::Permanent,
                format!("the folder {shown} may not be written"),
            )
            .hint(format!(
                "give yourself the right to make files in it: ls -ld {dir}"
            ))
        }
        _ => RegistrarError::new(
            Fault::Permanent,
            format!("{shown} cannot be written: {error}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_rollcall_left_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            ".rollcall-Ab3dE6",
            ".rollcall-abcdefg",
            ".rollcall-ab.def",
            "x.cfg",
        ];
        let old = |name: &str| {
            let file = fs::File::create(dir.path().join(name)).unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - 2 * OLD).unwrap();
        };
        names.iter().for_each(|name| old(name));
        let young = stage(dir.path(), "").unwrap();
        drop(stage(dir.path(), "").unwrap());
        let left = names.map(|name| dir.path().join(name).exists());
        assert_eq!(left, [false, true, true, true]);
        assert!(young.path().exists());
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_named_and_no_staged_file() {
        let text = "Permission denied at path \"/etc/a b/.rollcall-x\"";
        let error = io::Error::new(io::ErrorKind::PermissionDenied, text);
        let told = unwritable(Path::new("/etc/a b"), &error);
        assert!(!told.message.contains(".rollcall"), "{told}");
        assert!(told.hint.unwrap().ends_with("ls -ld '/etc/a b'"));
    }
}
