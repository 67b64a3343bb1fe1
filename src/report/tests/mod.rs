//! The formats of results, with text that means harm.

mod examples;
mod html;
mod junit;
mod markdown;
