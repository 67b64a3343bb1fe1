//! `rollcall man`: a page for each command, made from what `--help` says.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::args::ManArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::report::{Exit, ExitCode, ManDoc};

/// One page.
struct Page {
    /// Its file.
    name: String,
    text: String,
}

pub(crate) fn run(session: &Session, args: &ManArgs) -> Result<Exit, CliError> {
    let mut command = crate::cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages).map_err(|error| {
        CliError::new(
            ExitCode::Bug,
            format!("failed to make the manual pages: {error}"),
        )
    })?;
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir).map_err(|error| CliError::file("make the folder", dir, &error))?;
        for page in &pages {
            let path = dir.join(&page.name);
            write(dir, page).map_err(|error| CliError::file("write", &path, &error))?;
        }
        let dir = dir.display();
        session.say(&format!("{} manual pages are in {dir}", pages.len()));
    } else {
        pages.truncate(1);
    }
    let doc = ManDoc {
        schema: "rollcall.man/v1".to_owned(),
        directory: args.dir.as_ref().map(|dir| dir.display().to_string()),
        text: match args.dir {
            None => pages.first().map(|page| page.text.clone()),
            Some(_) => None,
        },
        pages: pages.into_iter().map(|page| page.name).collect(),
        exit: Exit::default(),
    };
    session.answer(&doc, |_| doc.text.clone().unwrap_or_default())?;
    Ok(doc.exit)
}

/// The page of a command, and behind it those of its commands.
fn collect(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command)?);
    let commands = command.get_subcommands();
    let mut shown = commands.filter(|command| !command.is_hide_set());
    shown.try_for_each(|command| collect(command, pages))
}

fn page(command: &Command) -> io::Result<Page> {
    let after = command.get_after_help().map(ToString::to_string);
    // Running text would lose the columns of the examples.
    let plain = command.clone().after_help(clap::builder::Resettable::Reset);
    let version = env!("CARGO_PKG_VERSION");
    let man = Man::new(plain).source(format!("rollcall {version}"));
    let mut text = Vec::new();
    man.render(&mut text)?;
    sections(&after.unwrap_or_default()).to_writer(&mut text)?;
    Ok(Page {
        name: man.get_filename(),
        text: String::from_utf8_lossy(&text).into_owned(),
    })
}

/// What stands below the help of a command: a section for each line that ends in a colon, line by line as it is.
fn sections(after: &str) -> Roff {
    let mut roff = Roff::new();
    let mut open = false;
    for line in after.lines() {
        let heading = line
            .strip_suffix(':')
            .filter(|heading| !heading.starts_with(' '));
        if open && heading.is_some() {
            roff.control("fi", []);
        }
        if let Some(heading) = heading {
            roff.control("SH", [heading.to_uppercase().as_str()]);
            roff.control("nf", []);
        } else if !open {
            roff.control("SH", ["NOTES"]);
            roff.control("nf", []);
            roff.text([roman(line)]);
        } else {
            roff.text([roman(line)]);
        }
        open = true;
    }
    if open {
        roff.control("fi", []);
    }
    roff
}

/// In one piece, as everybody may read it: a page that is there already is replaced.
fn write(dir: &Path, page: &Page) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".rollcall-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(dir)?;
    file.write_all(page.text.as_bytes())?;
    file.persist(dir.join(&page.name))
        .map_err(|kept| kept.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_below_a_help_stay_lines() {
        let text = sections("first.\n\nExamples:\n  rollcall x   does\n\nExit codes: 0").to_roff();
        let examples = text.split(".SH EXAMPLES\n").nth(1).unwrap();
        assert!(text.contains(".SH NOTES\n.nf\nfirst.\n"), "{text}");
        assert!(examples.starts_with(".nf\n  rollcall x   does\n"), "{text}");
        assert!(examples.contains("\nExit codes: 0\n"), "{text}");
        assert_eq!(text.matches(".nf").count(), text.matches(".fi").count());
        assert!(!sections("").to_roff().contains(".SH"));
    }
}
