//! `ctr image import`: `k3d image import` and `kind load` hand a node a tar of images.
//!
//! The images are not kept, only a line `ID NAME` for each, which the image's `crictl` reads.
//! The tar is read to its end mark and no further: k3d leaves its end of the pipe open.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;

use crate::error::Error;
use crate::{pki, say};

const LIST: &str = "/var/lib/rollcall-test/images";
const BLOCK: usize = 512;

/// `import ... FILE|-` and `ls`; anything else is accepted and does nothing.
pub(crate) fn run(args: &[String]) -> Result<u8, Error> {
    let list = Path::new(LIST);
    if args.iter().any(|arg| arg == "import") {
        let source = args.last().map_or("-", String::as_str);
        let lines = if source == "-" {
            read(&mut std::io::stdin().lock())?
        } else {
            let path = Path::new(source);
            read(&mut File::open(path).map_err(Error::file(path))?)?
        };
        remember(list, &lines)?;
    } else if args.iter().any(|arg| arg == "ls") {
        let quiet = args.iter().any(|arg| arg == "-q");
        for line in std::fs::read_to_string(list).unwrap_or_default().lines() {
            match line.split_once(' ') {
                Some((_, name)) if quiet => say::line(&full(name)),
                _ => say::line(line),
            }
        }
    }
    Ok(0)
}

/// Appends, so that two imports at once both stay.
fn remember(list: &Path, lines: &[String]) -> Result<(), Error> {
    if !list.exists() {
        pki::write(list, "")?;
    }
    let mut file = File::options()
        .append(true)
        .open(list)
        .map_err(Error::file(list))?;
    let mut text = lines.join("\n");
    text.push('\n');
    file.write_all(text.as_bytes()).map_err(Error::file(list))
}

/// Reads a tar as `docker save` makes it; the result is a line for each name in it.
fn read(source: &mut impl Read) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    let mut header = [0; BLOCK];
    loop {
        fill(source, &mut header)?;
        if header.iter().all(|byte| *byte == 0) {
            // The end mark is two such blocks.
            fill(source, &mut header)?;
            return Ok(lines);
        }
        let size = size(&header).ok_or_else(|| broken("size"))?;
        let padded = size.div_ceil(BLOCK as u64) * BLOCK as u64;
        let mut content = source.take(padded);
        if header.starts_with(b"manifest.json\0") {
            let mut bytes = Vec::new();
            content
                .read_to_end(&mut bytes)
                .map_err(|_| broken("manifest"))?;
            let length = usize::try_from(size).map_err(|_| broken("manifest"))?;
            lines = names(bytes.get(..length).ok_or_else(|| broken("manifest"))?)?;
        } else {
            let copied = std::io::copy(&mut content, &mut std::io::sink());
            copied.map_err(|_| broken("content"))?;
        }
    }
}

fn fill(source: &mut impl Read, block: &mut [u8]) -> Result<(), Error> {
    source.read_exact(block).map_err(|_| broken("end"))
}

fn size(header: &[u8; BLOCK]) -> Option<u64> {
    let text = std::str::from_utf8(&header[124..136]).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

/// `[{"Config":"ID.json" or "blobs/sha256/ID","RepoTags":["NAME",..],..},..]`
fn names(manifest: &[u8]) -> Result<Vec<String>, Error> {
    let document: Value = serde_json::from_slice(manifest).map_err(|_| broken("manifest"))?;
    let mut lines = Vec::new();
    for image in document.as_array().into_iter().flatten() {
        let config = image["Config"].as_str().unwrap_or_default();
        let file = config.rsplit('/').next().unwrap_or(config);
        let id = file.strip_suffix(".json").unwrap_or(file);
        for name in image["RepoTags"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            lines.push(format!("sha256:{id} {name}"));
        }
    }
    Ok(lines)
}

/// An image's name as containerd keeps it: with its registry.
fn full(name: &str) -> String {
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
    }
}

fn broken(part: &str) -> Error {
    Error::Other(format!("read the {part} of an image archive"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::{BLOCK, full, read};

    fn entry(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        bytes[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        bytes.extend(content);
        bytes.resize(bytes.len().div_ceil(BLOCK) * BLOCK, 0);
        bytes
    }

    #[test]
    fn the_names_in_an_archive_are_found_and_nothing_behind_its_end_is_read() {
        let manifest = br#"[{"Config":"blobs/sha256/ab","RepoTags":["a:1","b:2"]}]"#;
        let mut archive = entry("layer.tar", &[7; 700]);
        archive.extend(entry("manifest.json", manifest));
        archive.extend([0; 2 * BLOCK]);
        let length = archive.len();
        archive.extend(b"behind");
        let mut source = std::io::Cursor::new(archive);
        assert_eq!(
            read(&mut source).unwrap(),
            ["sha256:ab a:1", "sha256:ab b:2"]
        );
        assert_eq!(source.position(), length as u64);
    }

    #[test]
    fn names_are_said_with_their_registry() {
        assert_eq!(full("a:1"), "docker.io/library/a:1");
        assert_eq!(full("b/a:1"), "docker.io/b/a:1");
        assert_eq!(full("localhost/a:1"), "localhost/a:1");
    }

    #[test]
    fn an_archive_that_breaks_off_is_an_error() {
        assert!(read(&mut &entry("layer.tar", &[7; 700])[..]).is_err());
    }
}
