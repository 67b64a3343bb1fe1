//! The layer table of docs/ARCHITECTURE.md, kept by reading the imports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The table: module -> what it may import of ours.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let section = text.split("## Layers").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let module = cells[1].trim_matches('`').to_owned();
        let list = cells[2]
            .split(", ")
            .filter(|name| !name.is_empty() && *name != "nothing of ours");
        (module, list.map(str::to_owned).collect())
    })
    .collect()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// The module that a file belongs to: the first component below `src`.
fn module_of(path: &Path) -> String {
    let first = path
        .strip_prefix("src")
        .unwrap()
        .components()
        .next()
        .unwrap();
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The modules of ours that a file names, tests apart: they may reach for anything.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let code = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_module_imports_only_what_its_layer_may() {
    let table = table();
    assert!(table.len() > 10, "the table was not read: {table:?}");
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut wrong = Vec::new();
    for path in files {
        let module = module_of(&path);
        let is_test = path
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        if is_test || matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let Some(may) = table.get(&module) else {
            wrong.push(format!("{} is in no layer", path.display()));
            continue;
        };
        for import in imports(&fs::read_to_string(&path).unwrap()) {
            if import != module && !may.contains(&import) && !may.contains("everything") {
                wrong.push(format!("{} imports {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_planner_contains_no_providers_name() {
    let mut files = Vec::new();
    sources(Path::new("src/plan"), &mut files);
    let is_test = |path: &Path| path.components().any(|part| part.as_os_str() == "tests");
    for path in files.iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(path).unwrap();
        for name in ["\"k3d", "\"kind\"", "\"kind/"] {
            assert!(
                !text.contains(name),
                "{} names a provider: {name}",
                path.display()
            );
        }
    }
}

#[test]
fn only_the_command_line_reads_the_environment_or_prints() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    for path in files {
        let module = module_of(&path);
        let text = fs::read_to_string(&path).unwrap();
        for banned in ["std::env::var", "println!(", "eprintln!(", "process::exit("] {
            let excused = module == "cli" || module == "main";
            assert!(
                excused || !text.contains(banned),
                "{} uses {banned}",
                path.display()
            );
        }
    }
}
