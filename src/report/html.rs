//! A result for a browser: one file, without scripts and without a network.
//!
//! The template escapes everything by itself. Should anything get through, the page's policy allows nothing but its own
//! style, which it names by a digest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use sha2::{Digest, Sha256};

use super::sheet::Sheet;

/// Its name ends in `.html`: that is what makes the template escape.
const PAGE: &str = "page.html";
const STYLE: &str = include_str!("html/style.css");

/// The sheet as an HTML page.
pub fn html(sheet: &Sheet) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template(PAGE, include_str!("html/page.html"))?;
    let page = environment.get_template(PAGE)?;
    page.render(context! {
        sheet => Value::from(Serde(sheet)),
        style => Value::from_safe_string(STYLE.to_owned()),
        digest => STANDARD.encode(Sha256::digest(STYLE)),
    })
}
