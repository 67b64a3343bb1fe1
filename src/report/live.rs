//! Live rows: a few lines at the bottom of a terminal that change while something runs.
//!
//! In: rows, and lines that shall stay above them. Out: frames for a [`Surface`].
//! Must not: know what a step is; write anywhere else.
//!
//! Between two frames the cursor waits at the start of the first row. A terminal that is made narrower wraps what stands
//! on it, and nobody can count by how much; but it keeps the cursor at the same character. So the next frame begins where
//! the last one did, whatever became of it. What scrolled out of the screen meanwhile is out of everybody's reach, so no
//! row is longer than [`WIDEST`].

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::one_line;

/// How often the rows are drawn again.
const TICK: Duration = Duration::from_millis(120);
/// One after the other, to show that something moves.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// Erases from the cursor to the end of the screen.
pub const ERASE_BELOW: &str = "\u{1b}[J";
/// What reaches the right margin is cut there, and wraps again afterwards: a terminal may have become narrower since it
/// was asked.
const CUT: &str = "\u{1b}[?7l";
const WRAP: &str = "\u{1b}[?7h";
/// Erases from the cursor to the end of the line.
const ERASE_RIGHT: &str = "\u{1b}[K";
/// What a row may take of a terminal that is wider.
const WIDEST: usize = 79;
/// A message longer than this is cut before it is measured.
const LONGEST: usize = 400;

/// A terminal to draw on.
pub trait Surface: Send {
    /// Its columns and lines.
    fn size(&self) -> (usize, usize);

    /// Writes one frame. `rows`: whether the cursor is left in front of rows that anybody else's text must erase first.
    fn draw(&mut self, frame: &str, rows: bool) -> io::Result<()>;
}

/// The rows, drawn again and again until they are dropped.
pub(super) struct LiveRows {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

struct Shared {
    picture: Mutex<Picture>,
    ended: Condvar,
}

impl LiveRows {
    /// No rows yet.
    pub(super) fn new(surface: Box<dyn Surface>) -> Self {
        let shared = Arc::new(Shared {
            picture: Mutex::new(Picture::new(surface)),
            ended: Condvar::new(),
        });
        let drawn = Arc::clone(&shared);
        let ticker = std::thread::Builder::new().spawn(move || drawn.tick());
        Self {
            shared,
            ticker: ticker.ok(),
        }
    }

    /// A row more, at the end.
    pub(super) fn start(&self, key: usize, title: String) {
        let mut picture = self.shared.lock();
        picture.rows.push(Row {
            key,
            title,
            since: now(),
            message: String::new(),
        });
        picture.draw(&[]);
    }

    /// Another message in a row.
    pub(super) fn say(&self, key: usize, message: &str) {
        let mut picture = self.shared.lock();
        if let Some(row) = picture.rows.iter_mut().find(|row| row.key == key) {
            row.message = one_line(message, LONGEST);
        }
    }

    /// A row less, and these lines above those that are left.
    pub(super) fn end(&self, key: usize, lines: &[String]) {
        let mut picture = self.shared.lock();
        picture.rows.retain(|row| row.key != key);
        picture.draw(lines);
    }
}

impl Drop for LiveRows {
    fn drop(&mut self) {
        {
            let mut picture = self.shared.lock();
            picture.rows.clear();
            picture.draw(&[]);
            picture.ended = true;
        }
        self.shared.ended.notify_all();
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        let mut picture = self.lock();
        while !picture.ended {
            let waited = self.ended.wait_timeout(picture, TICK);
            picture = waited.unwrap_or_else(PoisonError::into_inner).0;
            picture.turn = picture.turn.wrapping_add(1);
            picture.draw(&[]);
        }
    }
}

/// What is on the screen.
struct Picture {
    surface: Box<dyn Surface>,
    rows: Vec<Row>,
    turn: usize,
    /// The size of the terminal when rows were last drawn that are still there.
    drawn: Option<(usize, usize)>,
    ended: bool,
}

struct Row {
    key: usize,
    title: String,
    since: Instant,
    message: String,
}

impl Picture {
    fn new(surface: Box<dyn Surface>) -> Self {
        Self {
            surface,
            rows: Vec::new(),
            turn: 0,
            drawn: None,
            ended: false,
        }
    }

    /// Draws the rows, and above them lines that stay.
    fn draw(&mut self, above: &[String]) {
        if above.is_empty() && self.rows.is_empty() && self.drawn.is_none() {
            return;
        }
        let size = self.surface.size();
        let frame = self.frame(above, size);
        let rows = !self.rows.is_empty();
        // A terminal that went away takes its lines with it; the run goes on.
        let _ = self.surface.draw(&frame, rows);
        self.drawn = rows.then_some(size);
    }

    fn frame(&self, above: &[String], size: (usize, usize)) -> String {
        let mut frame = String::from("\r");
        if !above.is_empty() || self.drawn.is_some_and(|drawn| drawn != size) {
            // Lines above may be longer than the terminal is wide, and those below may be wrapped by now, which a
            // terminal remembers until they are erased. Otherwise rows are written over, so that nothing flickers.
            frame.push_str(ERASE_BELOW);
        }
        for line in above {
            frame.push_str(line);
            frame.push_str("\r\n");
        }
        let rows = self.lines(size);
        if !rows.is_empty() {
            frame.push_str(CUT);
            frame.push_str(&rows.join(&format!("{ERASE_RIGHT}\r\n")));
            frame.push_str(WRAP);
        }
        frame.push_str(ERASE_BELOW);
        if rows.len() > 1 {
            let _ = write!(frame, "\u{1b}[{}A", rows.len() - 1);
        }
        frame.push('\r');
        frame
    }

    /// The rows as they fit: never the last column, where a terminal waits to wrap, and never the whole screen.
    fn lines(&self, (columns, lines): (usize, usize)) -> Vec<String> {
        let spinner = SPINNER
            .get(self.turn % SPINNER.len())
            .copied()
            .unwrap_or_default();
        let room = columns.saturating_sub(1).min(WIDEST);
        let fit = lines.saturating_sub(1).max(1);
        let (shown, more) = match self.rows.len() {
            all if all <= fit => (all, 0),
            all => (fit - 1, all + 1 - fit),
        };
        let mut out: Vec<String> = self
            .rows
            .iter()
            .take(shown)
            .map(|row| cut(&row.text(spinner), room))
            .collect();
        if more > 0 {
            out.push(cut(&format!("{spinner} and {more} more"), room));
        }
        out
    }
}

impl Row {
    fn text(&self, spinner: &str) -> String {
        let Self { title, message, .. } = self;
        let seconds = now().duration_since(self.since).as_secs();
        let time = match (seconds / 60, seconds % 60) {
            (0, seconds) => format!("{seconds}s"),
            (minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        };
        let text = format!("{spinner} {title} {time} {message}");
        text.trim_end().to_owned()
    }
}

/// As much of a text as fits into so many columns, with `…` where it was cut.
fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let mut out: String = text
        .chars()
        .take_while(|char| {
            let fits = char.width().unwrap_or(0) <= left;
            left = left.saturating_sub(char.width().unwrap_or(0));
            fits
        })
        .collect();
    if room > 0 {
        out.push('…');
    }
    out
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a row has been on a screen is nobody's decision, not even a sandbox's"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that remembers what was written.
    #[derive(Clone)]
    struct Paper {
        size: (usize, usize),
        frames: Arc<Mutex<Vec<(String, bool)>>>,
    }

    impl Surface for Paper {
        fn size(&self) -> (usize, usize) {
            self.size
        }

        fn draw(&mut self, frame: &str, rows: bool) -> io::Result<()> {
            self.frames.lock().unwrap().push((frame.to_owned(), rows));
            Ok(())
        }
    }

    fn picture(size: (usize, usize), titles: &[&str]) -> (Picture, Paper) {
        let paper = Paper {
            size,
            frames: Arc::default(),
        };
        let mut picture = Picture::new(Box::new(paper.clone()));
        for (key, title) in titles.iter().enumerate() {
            picture.rows.push(Row {
                key,
                title: (*title).to_owned(),
                since: now(),
                message: "pulling".to_owned(),
            });
        }
        (picture, paper)
    }

    #[test]
    fn a_row_never_reaches_the_last_column() {
        for columns in [1, 2, 10, 40, 200] {
            let title = "create 日本語 with a name that goes on and on and on";
            let (picture, _) = picture((columns, 24), &[title]);
            let lines = picture.lines((columns, 24));
            assert!(lines[0].width() < columns.max(1), "{columns}: {lines:?}");
        }
    }

    #[test]
    fn rows_never_fill_the_screen() {
        let titles: Vec<String> = (0..30).map(|n| format!("create c{n}")).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let (picture, _) = picture((80, 10), &titles);
        let lines = picture.lines((80, 10));
        assert_eq!(lines.len(), 9);
        assert!(lines[8].ends_with("and 22 more"), "{lines:?}");
    }

    #[test]
    fn the_cursor_waits_in_front_of_the_first_row() {
        let (mut picture, paper) = picture((80, 24), &["one", "two", "three"]);
        picture.draw(&["done".to_owned()]);
        let frames = paper.frames.lock().unwrap().clone();
        let (frame, rows) = &frames[0];
        assert!(*rows);
        assert!(frame.starts_with("\r\u{1b}[Jdone\r\n"), "{frame:?}");
        assert!(frame.ends_with("\u{1b}[J\u{1b}[2A\r"), "{frame:?}");
    }

    #[test]
    fn rows_are_erased_first_where_the_terminal_was_resized_alone() {
        let (mut picture, paper) = picture((80, 24), &["one"]);
        let erased_first = || {
            let frames = paper.frames.lock().unwrap();
            frames.last().unwrap().0.starts_with("\r\u{1b}[J")
        };
        picture.draw(&[]);
        assert!(!erased_first());
        picture.draw(&[]);
        assert!(!erased_first());
        picture.drawn = Some((100, 24));
        picture.draw(&[]);
        assert!(erased_first());
    }

    #[test]
    fn nothing_is_drawn_over_what_others_wrote_after_the_last_row() {
        let (mut picture, paper) = picture((80, 24), &["one"]);
        picture.draw(&[]);
        picture.rows.clear();
        picture.draw(&[]);
        picture.draw(&[]);
        let frames = paper.frames.lock().unwrap().clone();
        assert_eq!(frames.len(), 2, "{frames:?}");
        assert_eq!(frames[1], ("\r\u{1b}[J\r".to_owned(), false));
    }
}
