//! What a container's HAProxy is started with.

use std::path::{Path, PathBuf};

/// The files and folders that these words hand to HAProxy: each after a `-f`, and all after a `--`. A shell's script
/// hides them, and then there are none.
pub(super) fn files(command: &[String], working_dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut words = command.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-f" => files.extend(words.next()),
            "--" => files.extend(words.by_ref()),
            _ => {}
        }
    }
    let files = files.into_iter();
    files.map(|file| working_dir.join(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> Vec<String> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let files = files(&words, Path::new("/etc"));
        files
            .iter()
            .map(|file| file.display().to_string())
            .collect()
    }

    #[test]
    fn files_are_what_haproxy_takes_for_files() {
        let official = "docker-entrypoint.sh haproxy -f /usr/local/etc/haproxy/haproxy.cfg";
        assert_eq!(said(official), ["/usr/local/etc/haproxy/haproxy.cfg"]);
        assert_eq!(
            said("haproxy -W -db -f base.cfg -f /rollcall"),
            ["/etc/base.cfg", "/rollcall"]
        );
        assert_eq!(said("haproxy -W -- /a /b"), ["/a", "/b"]);
        assert_eq!(said("sh -c exec\u{a0}haproxy\u{a0}-f\u{a0}x"), [""; 0]);
    }
}
