//! `haproxy -c`: whether HAProxy would take a staged file beside the user's own.

use std::path::Path;

use super::Haproxy;
use super::seat::Trial;
use crate::model::one_line;
use crate::registrar::{Fault, RegistrarError};

/// How many of HAProxy's complaints are passed on.
const COMPLAINTS: usize = 3;

impl Haproxy {
    /// Fails if HAProxy would refuse this file beside the user's own.
    pub(super) async fn check(&self, staged: &Path) -> Result<(), RegistrarError> {
        let trial = Trial {
            ours: Some(staged),
            ..Trial::default()
        };
        let Err(complaint) = self.seat.accepts(&trial).await? else {
            return Ok(());
        };
        // Whose fault it is: without ours, is theirs accepted?
        match self.seat.accepts(&Trial::default()).await? {
            Ok(()) => Err(permanent(format!(
                "HAProxy refuses the routes: {complaint}"
            ))),
            Err(complaint) => Err(permanent(format!(
                "HAProxy refuses its own configuration, whatever the routes: {complaint}"
            ))
            .hint(format!(
                "mend {}; until then HAProxy goes on with what it loaded last",
                self.seat.shown_files().await
            ))),
        }
    }
}

/// The lines that say what is wrong.
pub(super) fn complaints(tail: &[String]) -> String {
    let alerts = tail.iter().filter(|line| line.contains("[ALERT]"));
    let mut lines: Vec<String> = alerts
        .take(COMPLAINTS)
        .map(|line| one_line(line, 200))
        .collect();
    if lines.is_empty() {
        lines.extend(tail.last().map(|line| one_line(line, 200)));
    }
    lines.join("; ")
}

fn permanent(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
