//! `rollcall schema`: JSON Schemas, and the words that documents use.

use clap::ValueEnum;

use crate::cli::args::SchemaArgs;
use crate::cli::error::CliError;
use crate::cli::format::Format;
use crate::cli::session::Session;
use crate::report::{Available, Exit, SCHEMAS, enums_doc, schema_of};

pub(crate) fn run(session: &Session, args: &SchemaArgs) -> Result<Exit, CliError> {
    let Some(name) = &args.document else {
        return words(session);
    };
    let schema = schema_of(name).ok_or_else(|| {
        CliError::usage(format!("there is no document {name:?}"))
            .hint(format!("one of: {}", SCHEMAS.join(", ")))
    })?;
    session.answer(&schema, |_| format!("{schema:#}\n"))?;
    Ok(Exit::default())
}

/// The names of the documents; as JSON, every word in them, and what is available here.
fn words(session: &Session) -> Result<Exit, CliError> {
    let world = session.world()?;
    let formats = Format::value_variants().iter();
    let doc = enums_doc(Available {
        sandbox: session.settings.sandbox.is_some(),
        providers: world.providers.keys().map(ToString::to_string).collect(),
        registrars: world.registrars.keys().map(ToString::to_string).collect(),
        formats: formats.map(|format| format.name().to_owned()).collect(),
    });
    session.answer(&doc, |_| SCHEMAS.join("\n") + "\n")?;
    Ok(doc.exit)
}
