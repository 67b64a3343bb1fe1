//! One document of each kind, with any text in every place that text from outside can come to.

use crate::execute::StepResult;
use crate::model::Mode;
use crate::plan::{ActionKind, Class, Disruption, Field, Reason, ReasonCode};
use crate::report::documents::{HeldDoc, ReasonDoc, RunDoc, StepDoc, Subject};
use crate::report::flags::Flags;
use crate::report::{
    DoctorDoc, ErrorDoc, Exit, ExitCode, FindingDoc, Level, SettingDoc, Sheet, doctor_sheet,
    error_sheet, run_sheet,
};

/// Text that breaks out of whatever does not hold it.
pub(super) const HOSTILE: [&str; 13] = [
    "a | b || c \\| d \\",
    "`code` ``two`` ```",
    "<script>alert('1')</script></style></title></pre></details><img src=x onerror=alert(1)>",
    "<!-- --> ]]> &lt;b&gt;<?xml?> <![CDATA[",
    "@everyone #12 GH-12 org/repo#3 deadbeef1234567 :tada: $x$",
    "[here](http://evil.test) ![x](//evil.test/p) http://evil.test www.evil.test <http://evil.test>",
    "line\n# heading\n\n- item\r\n```\n~~~\n</details>\n\n| x |\n|---|",
    "\u{0}\u{1}\u{8}\u{1b}[31m\u{7f}\u{85}\u{9b}\u{fffe}\u{ffff}",
    "\u{202e}txt.exe\u{202c} \u{2066}x\u{2069} \u{61c} \u{2028} \u{2029} \u{200b} \u{feff}",
    "**bold** _it_ ~~gone~~ {{ 7 * 7 }} {% raw %} {#",
    "\" ' = onload=\"x\" style='y'",
    "1. one\n> quoted\n    code",
    "日本語 العربية 🙂",
];

/// A run with one step of every result, something held of every class, and this text everywhere.
pub(super) fn run(text: &str) -> RunDoc {
    let results = [
        StepResult::Succeeded,
        StepResult::Failed,
        StepResult::Skipped,
        StepResult::Held,
    ];
    let classes = [
        Class::Blocks,
        Class::BeyondMode,
        Class::Intended,
        Class::Information,
        Class::Unknown,
        Class::NotReady,
    ];
    let failed = (ExitCode::Failed, text.to_owned());
    RunDoc {
        schema: "rollcall.run/v1".to_owned(),
        run_id: Some("7".to_owned()),
        subject: Subject {
            sandbox: true,
            database: text.to_owned(),
            observed_at: "2026-01-02T03:04:05.678Z".to_owned(),
            mode: Mode {
                repair: true,
                ..Mode::default()
            },
            flags: Flags::default(),
        },
        verdict: format!("not converged: {text}"),
        steps: results
            .into_iter()
            .map(|result| step(text, result))
            .collect(),
        left: Vec::new(),
        held: classes.into_iter().map(|class| held(text, class)).collect(),
        refusals: Vec::new(),
        converged: false,
        duration_ms: 2500,
        exit: Exit::of([failed]),
    }
}

fn step(text: &str, result: StepResult) -> StepDoc {
    let field = Field {
        field: text.to_owned(),
        live: Some(text.to_owned()),
        row: None,
    };
    let mut reason = Reason::of(ReasonCode::MissingLive);
    reason.fields = vec![field];
    let wrong = (result != StepResult::Succeeded).then(|| text.to_owned());
    let failed = result == StepResult::Failed;
    StepDoc {
        id: 0,
        address: format!("cluster/k3d/{text}"),
        action: ActionKind::Create,
        reasons: vec![ReasonDoc {
            reason,
            message: text.to_owned(),
        }],
        disruption: Disruption::None,
        destructive: false,
        inferred: false,
        depends_on: Vec::new(),
        result: Some(result),
        hint: wrong.clone(),
        error: wrong,
        duration_ms: (result != StepResult::Skipped).then_some(1250),
        log_tail: if failed {
            vec![text.to_owned(); 2]
        } else {
            Vec::new()
        },
        log: failed.then(|| text.to_owned()),
    }
}

fn held(text: &str, class: Class) -> HeldDoc {
    HeldDoc {
        address: format!("cluster/k3d/{text}"),
        code: "not_ours".to_owned(),
        class,
        message: text.to_owned(),
        fields: Vec::new(),
        hint: Some(format!("rollcall cluster adopt {text}")),
        reason: serde_json::Value::Null,
    }
}

fn doctor(text: &str) -> DoctorDoc {
    let finding = |level: Level| FindingDoc {
        what: text.to_owned(),
        ok: level != Level::Bad,
        level,
        message: text.to_owned(),
        remedy: Some(text.to_owned()),
    };
    DoctorDoc {
        schema: "rollcall.doctor/v1".to_owned(),
        items: [Level::Good, Level::Note, Level::Bad].map(finding).to_vec(),
        settings: vec![SettingDoc {
            name: text.to_owned(),
            value: Some(text.to_owned()),
            origin: text.to_owned(),
        }],
        exit: Exit::of([(ExitCode::NotReady, text.to_owned())]),
    }
}

fn error(text: &str) -> ErrorDoc {
    ErrorDoc {
        schema: "rollcall.error/v1".to_owned(),
        message: text.to_owned(),
        hints: vec![text.to_owned(), format!("rollcall init {text}")],
        exit: Exit::of([(ExitCode::Usage, text.to_owned())]),
    }
}

/// A sheet of each kind with this text everywhere.
pub(super) fn sheets(text: &str) -> [Sheet; 3] {
    [
        run_sheet(&run(text)),
        doctor_sheet(&doctor(text)),
        error_sheet(&error(text)),
    ]
}
