//! Where answers and events go. Every place is opened before anything acts: no run begins whose end cannot be told.
//!
//! In: `-o FORMAT[=PATH]` and `--events`. Out: documents and streams of events, each written to its place.
//! Must not: know what a document says.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Command, Global, OutputSpec};
use super::error::CliError;
use super::format::{Format, refuse_unless_had};
use super::streams::{SharedWriter, Streams};
use crate::execute::{Event, Sink};
use crate::report::{ErrorDoc, ExitCode, NdjsonSink, error_sheet};

const STANDARD_OUTPUT: &str = "standard output";

/// All places of one call.
#[derive(Default)]
pub(crate) struct Targets {
    documents: Vec<DocumentTarget>,
    events: Vec<EventStream>,
}

impl Targets {
    /// Opens every place that was asked for. Those that were opened before one that cannot be are there to tell of it.
    pub(crate) fn open(
        &mut self,
        global: &Global,
        command: Option<&Command>,
        streams: &Streams,
    ) -> Result<(), CliError> {
        self.open_standard_output(&global.output, streams);
        let events = events_of(global, command, streams)?;
        let streams_there = usize::from(events == Some("fd:1"));
        if to_standard_output(&global.output).count() + streams_there > 1 {
            return Err(
                CliError::usage("two formats cannot both go to standard output")
                    .hint("give all but one a file: -o FORMAT=PATH or --events PATH"),
            );
        }
        each_file_once(&global.output, events)?;
        if to_standard_output(&global.output).count() + streams_there == 0 {
            self.documents
                .push(DocumentTarget::standard_output(Format::Table, streams));
        }
        for spec in &global.output {
            match (spec.format, &spec.path) {
                (Format::Ndjson, Some(path)) => self.events.push(EventStream::file(path)?),
                (Format::Ndjson, None) => self.events.push(EventStream::standard_output(streams)),
                (_, Some(path)) => self
                    .documents
                    .push(DocumentTarget::file(spec.format, path)?),
                (_, None) => {}
            }
        }
        if let Some(target) = events {
            self.events.push(EventStream::of(target, streams)?);
        }
        // Not before its place is open: what an earlier call wrote there must not pass for this one's.
        let mut formats = global.output.iter().map(|spec| spec.format);
        formats.try_for_each(|format| refuse_unless_had(format, command))
    }

    /// The places of documents that a wrong command line names all the same, as far as they can be opened.
    pub(crate) fn of_wrong_words(args: &[OsString], streams: &Streams) -> Self {
        let words = output_words(args);
        let specs: Vec<OutputSpec> = words.iter().filter_map(|word| word.parse().ok()).collect();
        let mut targets = Self::default();
        targets.open_standard_output(&specs, streams);
        let files = specs.iter().filter_map(|spec| {
            let path = spec.path.as_ref().filter(|_| spec.format.tells_errors())?;
            DocumentTarget::file(spec.format, path).ok()
        });
        targets.documents.extend(files);
        targets
    }

    fn open_standard_output(&mut self, specs: &[OutputSpec], streams: &Streams) {
        let formats = to_standard_output(specs).filter(|format| *format != Format::Ndjson);
        self.documents
            .extend(formats.map(|format| DocumentTarget::standard_output(format, streams)));
    }

    /// The places of documents.
    pub(crate) fn documents(&self) -> &[DocumentTarget] {
        &self.documents
    }

    /// The streams of events.
    pub(crate) fn events(&self) -> &[EventStream] {
        &self.events
    }

    /// Tells an error in every format that tells errors and wherever nothing was answered yet. What cannot be told there
    /// was told on standard error.
    pub(crate) fn tell(&self, error: &ErrorDoc) {
        let untold = |target: &&DocumentTarget| !target.answered.get();
        let (there, files): (Vec<_>, Vec<_>) = self
            .documents
            .iter()
            .filter(|target| target.format.tells_errors())
            .filter(untold)
            .partition(|target| target.path.is_none());
        for target in there.into_iter().take(1).chain(files) {
            if let Some(told) = told(error, target.format) {
                let _ = target.write(&told);
            }
        }
    }
}

fn told(error: &ErrorDoc, format: Format) -> Option<String> {
    if format == Format::Json {
        return Some(serde_json::to_string_pretty(error).ok()? + "\n");
    }
    format.written(&error_sheet(error)).ok()?
}

fn to_standard_output(specs: &[OutputSpec]) -> impl Iterator<Item = Format> {
    let there = specs.iter().filter(|spec| spec.path.is_none());
    there.map(|spec| spec.format)
}

/// The target of `--events`. A command without events takes none; in the environment it speaks of the others.
fn events_of<'g>(
    global: &'g Global,
    command: Option<&Command>,
    streams: &Streams,
) -> Result<Option<&'g str>, CliError> {
    let target = global.events.as_deref();
    if command.is_some_and(Command::has_events) {
        return Ok(target);
    }
    let none = |flag: &str| {
        CliError::usage(format!("this command has no events for {flag}")).hint(
            "use -o json, or a command that has: reconcile, cluster adopt, last-run, history RUN",
        )
    };
    if global
        .output
        .iter()
        .any(|spec| spec.format == Format::Ndjson)
    {
        return Err(none("-o ndjson"));
    }
    match target {
        Some(_) if streams.var("ROLLCALL_EVENTS") != target => Err(none("--events")),
        _ => Ok(None),
    }
}

/// Two formats in one file are neither. A device may be named twice.
fn each_file_once(specs: &[OutputSpec], events: Option<&str>) -> Result<(), CliError> {
    let named = specs.iter().filter_map(|spec| spec.path.as_deref());
    let events = events.filter(|target| !target.starts_with("fd:"));
    let mut seen: Vec<&Path> = Vec::new();
    for path in named.chain(events.map(Path::new)) {
        if path.starts_with("/dev") {
            continue;
        }
        if seen.contains(&path) {
            return Err(CliError::usage(format!(
                "two formats cannot both go to {}",
                path.display()
            )));
        }
        seen.push(path);
    }
    Ok(())
}

/// The values of `-o` and `--output` in words that clap could not read.
fn output_words(args: &[OsString]) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = args
        .iter()
        .skip(1)
        .map_while(|word| word.to_str().filter(|word| *word != "--"));
    while let Some(word) = words.next() {
        // Short flags without a value may stand before the o: -vo json.
        let short = word
            .strip_prefix('-')
            .and_then(|flags| flags.trim_start_matches(['v', 'q', 'y']).strip_prefix('o'));
        match (short, word.strip_prefix("--output=")) {
            (Some(""), _) => found.extend(words.next().map(str::to_owned)),
            (Some(value), _) => found.push(value.trim_start_matches('=').to_owned()),
            (None, Some(value)) => found.push(value.to_owned()),
            (None, None) if word == "--output" => {
                found.extend(words.next().map(str::to_owned));
            }
            (None, None) => {}
        }
    }
    found
}

/// One place that gets a document.
pub(crate) struct DocumentTarget {
    /// In which format.
    pub(crate) format: Format,
    /// Which file; none: standard output.
    pub(crate) path: Option<PathBuf>,
    writer: Writer,
    answered: Cell<bool>,
}

enum Writer {
    Shared(SharedWriter),
    File(File),
}

impl DocumentTarget {
    fn standard_output(format: Format, streams: &Streams) -> Self {
        Self {
            format,
            path: None,
            writer: Writer::Shared(streams.out.clone()),
            answered: Cell::new(false),
        }
    }

    /// Opens a file. What is in it stays until it is answered.
    fn file(format: Format, path: &Path) -> Result<Self, CliError> {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| CliError::file("write to", path, &error))?;
        Ok(Self {
            format,
            path: Some(path.to_owned()),
            writer: Writer::File(file),
            answered: Cell::new(false),
        })
    }

    /// Writes a document. That its reader went away is no error; that it is full is one.
    pub(crate) fn write(&self, content: &str) -> Result<(), CliError> {
        self.answered.set(true);
        let written = match &self.writer {
            Writer::Shared(writer) => print(writer, content),
            Writer::File(file) => emptied(file).and_then(|mut file| write_to(&mut file, content)),
        };
        written.map_err(|error| match &self.path {
            Some(path) => CliError::file("write to", path, &error),
            None => unwritten(&error),
        })
    }
}

/// Standard output that could not be written.
pub(crate) fn unwritten(error: &io::Error) -> CliError {
    CliError::new(
        ExitCode::NotReady,
        format!("failed to write to {STANDARD_OUTPUT}: {error}"),
    )
}

/// A file without what was in it; a device or a pipe has nothing to lose.
fn emptied(file: &File) -> io::Result<&File> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// The same on standard output.
pub(crate) fn print(out: &SharedWriter, content: &str) -> io::Result<()> {
    write_to(&mut out.clone(), content)?;
    match out.answered() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes all of it and makes sure that it is out.
fn write_to(out: &mut impl Write, content: &str) -> io::Result<()> {
    match out.write_all(content.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// One stream of events, and where it goes.
#[derive(Clone)]
pub(crate) struct EventStream {
    target: String,
    writer: SharedWriter,
    sink: Arc<NdjsonSink<SharedWriter>>,
}

impl EventStream {
    fn new(target: &str, writer: SharedWriter) -> Self {
        Self {
            target: target.to_owned(),
            writer: writer.clone(),
            sink: Arc::new(NdjsonSink::new(writer)),
        }
    }

    fn standard_output(streams: &Streams) -> Self {
        Self::new(STANDARD_OUTPUT, streams.out.clone())
    }

    /// The target of `--events`.
    fn of(target: &str, streams: &Streams) -> Result<Self, CliError> {
        Ok(match (target, target.strip_prefix("fd:")) {
            ("fd:1", _) => Self::standard_output(streams),
            ("fd:2", _) => Self::new("standard error", streams.err.clone()),
            (_, Some(number)) => Self::queued(target, descriptor(number)?),
            (_, None) => Self::file(Path::new(target))?,
        })
    }

    fn file(path: &Path) -> Result<Self, CliError> {
        let file =
            File::create(path).map_err(|error| CliError::file("write events to", path, &error))?;
        Ok(Self::queued(&path.display().to_string(), file))
    }

    /// A reader that takes its time keeps no run waiting.
    fn queued(target: &str, file: File) -> Self {
        let file = Arc::new(file);
        Self::new(target, SharedWriter::queued(move || Arc::clone(&file)))
    }

    /// Why events are missing in it.
    pub(crate) fn failure(&self) -> Option<CliError> {
        let written = self.writer.told().err();
        let written = written.filter(|error| error.kind() != ErrorKind::BrokenPipe);
        let why = self
            .sink
            .failure()
            .or(written.map(|error| error.to_string()))?;
        Some(CliError::new(
            ExitCode::NotReady,
            format!("failed to write events to {}: {why}", self.target),
        ))
    }
}

impl Sink for EventStream {
    fn take(&self, event: &Event) {
        self.sink.take(event);
    }
}

/// Says whether every stream got all its events.
pub(crate) fn complete(streams: &[EventStream]) -> Result<(), CliError> {
    streams
        .iter()
        .find_map(EventStream::failure)
        .map_or(Ok(()), Err)
}

/// A descriptor that the caller opened. Going through the file system needs no unsafe code.
fn descriptor(number: &str) -> Result<File, CliError> {
    let number: u32 = number
        .parse()
        .map_err(|_| CliError::usage(format!("fd:{number} is no file descriptor")))?;
    let path = PathBuf::from(format!("/dev/fd/{number}"));
    File::options()
        .append(true)
        .open(&path)
        .map_err(|error| CliError::file("write events to", &path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_of_a_wrong_command_line_are_found() {
        let found = |words: &[&str]| {
            let args: Vec<_> = ["rollcall"]
                .iter()
                .chain(words)
                .map(OsString::from)
                .collect();
            output_words(&args)
        };
        assert_eq!(found(&["-o", "json", "explain"]), ["json"]);
        assert_eq!(found(&["-ojson", "-vo", "table"]), ["json", "table"]);
        assert_eq!(found(&["-o=json=x", "-qvojson"]), ["json=x", "json"]);
        assert_eq!(
            found(&["--output", "json", "--output=table"]),
            ["json", "table"]
        );
        assert_eq!(found(&["--only", "dev", "--", "-o", "json"]), [""; 0]);
    }
}
