//! What the commands print. Names from datasets and models cannot steer the terminal, and a reader that goes away or a
//! full disk is no crash.

use std::io::Write as _;
use std::path::Path;

use whence_base::{Error, Result};

/// Prints a line of results on standard output.
///
/// # Errors
/// Where the line cannot be written, such as on a full disk. Where nobody reads any more, the line is dropped quietly.
pub(super) fn line(text: &str) -> Result<()> {
    write(&format!("{}\n", visible(text)))
}

/// Prints several lines of results; their line ends are kept.
///
/// # Errors
/// As [`line`].
pub(super) fn block(text: &str) -> Result<()> {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    write(&lines.join("\n"))
}

/// Prints a JSON document on a line.
///
/// # Errors
/// As [`line`].
pub(super) fn json(document: &serde_json::Value) -> Result<()> {
    let mut text = String::new();
    // JSON leaves DEL and the C1 controls as they are; terminals obey them. They occur in strings only.
    for c in document.to_string().chars() {
        if c.is_control() {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text.push('\n');
    write(&text)
}

/// Tells the user something on standard error. Nothing fails where that cannot be written.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", visible(text));
}

/// A path as JSON, with U+FFFD where it is not UTF-8: `json!` would panic on such a path.
pub(super) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The text with control characters and characters that reorder it written as escapes: `\x1b`, `\u{202e}`.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c.is_control() => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

fn write(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(Error::io("write to", Path::new("standard output"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(visible("\u{1b}[31mred\u{1b}[0m\r"), "\\x1b[31mred\\x1b[0m\\r");
        assert_eq!(visible("a\u{202e}b\u{9b}c\u{7f}"), "a\\u{202e}b\\x9bc\\x7f");
        assert_eq!(visible("Größe 猫 é"), "Größe 猫 é");
    }
}
