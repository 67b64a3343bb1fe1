//! `rollcall schema`: JSON Schemas.

use crate::cli::args::SchemaArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::report::{Exit, SCHEMAS, schema_of};

pub(crate) fn run(session: &Session, args: &SchemaArgs) -> Result<Exit, CliError> {
    let Some(name) = &args.document else {
        session.answer(&SCHEMAS, |_| SCHEMAS.join("\n") + "\n")?;
        return Ok(Exit::default());
    };
    let schema = schema_of(name).ok_or_else(|| {
        CliError::usage(format!("there is no document {name:?}"))
            .hint(format!("one of: {}", SCHEMAS.join(", ")))
    })?;
    session.answer(&schema, |_| format!("{schema:#}\n"))?;
    Ok(Exit::default())
}
