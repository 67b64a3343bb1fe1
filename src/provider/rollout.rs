//! Whether what was applied has come up, by what its controller says of it (kubectl `pkg/polymorphichelpers/rollout_status.go`).

use serde_json::Value;

use crate::model::one_line;

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is up, or is of a kind that need not come up.
    Up,
    /// Not yet, for this reason.
    Waits(String),
    /// It never will be.
    Failed(String),
}

/// How far an object of this kind is.
pub(super) fn progress(kind: &str, object: &Value) -> Progress {
    let (meta, status) = (&object["metadata"], &object["status"]);
    // A status of an earlier generation says nothing about this one.
    let seen = |name: &str| {
        let generation = meta["generation"].as_i64();
        generation.is_none_or(|now| status[name].as_i64().is_some_and(|seen| seen >= now))
    };
    match kind {
        "Deployment" | "DaemonSet" | "StatefulSet" if !seen("observedGeneration") => {
            Progress::Waits("its controller has not seen it yet".to_owned())
        }
        "Deployment" => match condition(status, "Progressing") {
            Some((false, "ProgressDeadlineExceeded", text)) => Progress::Failed(text),
            _ => all(
                count(&object["spec"]["replicas"]).unwrap_or(1),
                &[&status["updatedReplicas"], &status["availableReplicas"]],
            ),
        },
        "StatefulSet" => all(
            count(&object["spec"]["replicas"]).unwrap_or(1),
            &[&status["readyReplicas"]],
        ),
        "DaemonSet" => match count(&status["desiredNumberScheduled"]) {
            None => Progress::Waits("its controller has not seen it yet".to_owned()),
            Some(wanted) => all(
                wanted,
                &[
                    &status["updatedNumberScheduled"],
                    &status["numberAvailable"],
                ],
            ),
        },
        "Job" => match (condition(status, "Complete"), condition(status, "Failed")) {
            (Some((true, ..)), _) => Progress::Up,
            (_, Some((true, _, text))) => Progress::Failed(text),
            _ => Progress::Waits("it is not complete".to_owned()),
        },
        "CustomResourceDefinition" => match condition(status, "Established") {
            Some((true, ..)) => Progress::Up,
            _ => Progress::Waits("it is not established".to_owned()),
        },
        "APIService" => match condition(status, "Available") {
            Some((true, ..)) => Progress::Up,
            _ => Progress::Waits("it is not available".to_owned()),
        },
        _ => Progress::Up,
    }
}

/// Whether each of these counts has got to what is wanted.
fn all(wanted: u64, counts: &[&Value]) -> Progress {
    let least = counts.iter().map(|value| count(value).unwrap_or(0)).min();
    match least {
        Some(least) if least < wanted => Progress::Waits(format!("{least} of {wanted} are up")),
        _ => Progress::Up,
    }
}

fn count(value: &Value) -> Option<u64> {
    value.as_u64()
}

/// Whether a condition holds, why, and what it says.
fn condition<'v>(status: &'v Value, name: &str) -> Option<(bool, &'v str, String)> {
    let all = status["conditions"].as_array()?;
    let found = all.iter().find(|one| one["type"] == name)?;
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    Some((
        found["status"] == "True",
        text("reason"),
        one_line(text("message"), 200),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn waits(text: &str) -> Progress {
        Progress::Waits(text.to_owned())
    }

    #[test]
    fn a_deployment_is_up_when_all_of_the_newest_are_available() {
        let of = |seen: u64, updated: u64, available: u64| {
            json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": seen,
                "updatedReplicas": updated, "availableReplicas": available}})
        };
        let now = |object: &Value| progress("Deployment", object);
        assert_eq!(now(&of(2, 2, 2)), Progress::Up);
        assert_eq!(
            now(&of(1, 2, 2)),
            waits("its controller has not seen it yet")
        );
        assert_eq!(now(&of(2, 1, 2)), waits("1 of 2 are up"));
        assert_eq!(now(&of(2, 2, 0)), waits("0 of 2 are up"));
        let mut stuck = of(2, 1, 0);
        stuck["status"]["conditions"] = json!([{"type": "Progressing", "status": "False",
            "reason": "ProgressDeadlineExceeded", "message": "no such image"}]);
        assert_eq!(now(&stuck), Progress::Failed("no such image".to_owned()));
    }

    #[test]
    fn other_kinds_are_up_when_their_controllers_say_so() {
        let done = |kind: &str, name: &str| {
            progress(
                kind,
                &json!({"status": {"conditions": [{"type": name, "status": "True"}]}}),
            )
        };
        assert_eq!(done("Job", "Complete"), Progress::Up);
        assert_eq!(done("Job", "Failed"), Progress::Failed(String::new()));
        assert_eq!(
            done("CustomResourceDefinition", "Established"),
            Progress::Up
        );
        assert_eq!(
            done("CustomResourceDefinition", "NamesAccepted"),
            waits("it is not established")
        );
        assert_eq!(done("APIService", "Available"), Progress::Up);
        assert_eq!(progress("ConfigMap", &json!({})), Progress::Up);
        assert_eq!(
            progress("DaemonSet", &json!({"status": {}})),
            waits("its controller has not seen it yet")
        );
        let daemons = json!({"status": {"desiredNumberScheduled": 0, "updatedNumberScheduled": 0}});
        assert_eq!(progress("DaemonSet", &daemons), Progress::Up);
        assert_eq!(
            progress("StatefulSet", &json!({"status": {}})),
            waits("0 of 1 are up")
        );
    }
}
