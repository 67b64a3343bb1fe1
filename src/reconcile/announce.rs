//! Saying what was seen and planned, before anything is done.

use crate::execute::{Emitter, EventBody, FieldText};
use crate::model::{Observed, Unseen};
use crate::plan::Plan;

/// Says what was planned, before anything is done.
pub fn announce(plan: &Plan, emitter: &Emitter<'_>) {
    for step in &plan.steps {
        let reasons: Vec<_> = step.reasons.iter().map(ToString::to_string).collect();
        let (action, address) = (step.action.kind(), step.action.address());
        emitter.emit(
            format!("{action} {address}: {}", reasons.join("; ")),
            EventBody::StepPlanned {
                step: step.id.0,
                action: action.code().to_owned(),
                address: address.to_string(),
                reason: reasons.join("; "),
                fields: step
                    .reasons
                    .iter()
                    .flat_map(|reason| &reason.fields)
                    .map(FieldText::from)
                    .collect(),
            },
        );
    }
    for held in &plan.held {
        emitter.emit(
            format!("{}: held: {}", held.address, held.reason),
            EventBody::DriftFound {
                address: held.address.to_string(),
                reason: held.reason.code().to_owned(),
            },
        );
    }
}

/// Says what each source answered.
pub fn announce_sources(observed: &Observed, emitter: &Emitter<'_>) {
    let say = |source: &str, unseen: Option<&Unseen>| {
        let message = match unseen {
            None => format!("{source}: observed"),
            Some(unseen) => format!("{source}: could not be observed: {}", unseen.error),
        };
        let error = unseen.map(|unseen| unseen.error.clone());
        emitter.emit(
            message,
            EventBody::SourceObserved {
                source: source.to_owned(),
                known: unseen.is_none(),
                error,
            },
        );
    };
    say("docker", observed.engine.unknown());
    for (registrar, seen) in &observed.registrars {
        say(registrar.as_str(), seen.unknown());
    }
}
