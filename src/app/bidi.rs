//! Text with right-to-left names in the order in which it is drawn: egui lays out from left to right only.
//!
//! The order of the runs is Unicode's (UAX #9, by `unicode-bidi`), in a line that reads from left to right, because the
//! window's sentences do. Letters of a right-to-left word stay in reading order: the text shaper turns and joins them.

use std::borrow::Cow;

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// Isolates a name inside a sentence, so that numbers after it stay at its right. [`display`] removes the marks.
pub fn isolate(name: &str) -> Cow<'_, str> {
    if has_right_to_left(name) { Cow::Owned(format!("\u{2068}{name}\u{2069}")) } else { Cow::Borrowed(name) }
}

/// A line of text as it is drawn.
pub fn display(text: &str) -> Cow<'_, str> {
    match pieces(text) {
        Some(pieces) => Cow::Owned(pieces.concat()),
        None => Cow::Borrowed(text),
    }
}

/// A line of text in pieces from left to right, each of one direction; none where it needs no reordering.
pub fn pieces(text: &str) -> Option<Vec<String>> {
    if !has_right_to_left(text) {
        return None;
    }
    let mut out: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        let info = BidiInfo::new(line, Some(Level::ltr()));
        for paragraph in &info.paragraphs {
            let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
            for run in runs {
                let Some(words) = line.get(run.clone()) else { continue };
                let turned = levels.get(run.start).is_some_and(Level::is_rtl);
                if turned { turn(words, &mut out) } else { push(&mut out, words.chars()) }
            }
        }
    }
    Some(out)
}

/// A right-to-left run from left to right: its last word first, and brackets mirrored.
fn turn(run: &str, out: &mut Vec<String>) {
    let mut words: Vec<(bool, String)> = Vec::new();
    for c in run.chars() {
        let letter = is_right_to_left(c) || bidi_class(c) == BidiClass::NSM;
        match words.last_mut() {
            Some((of, word)) if *of == letter => word.push(c),
            _ => words.push((letter, c.to_string())),
        }
    }
    for (letter, word) in words.into_iter().rev() {
        if letter { push(out, word.chars()) } else { push(out, word.chars().rev().map(mirrored)) }
    }
}

/// Adds a piece without the marks that only steer the order.
fn push(out: &mut Vec<String>, piece: impl Iterator<Item = char>) {
    let piece: String = piece
        .filter(|c| !matches!(c, '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'))
        .collect();
    if !piece.is_empty() {
        out.push(piece);
    }
}

fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        other => other,
    }
}

fn is_right_to_left(c: char) -> bool {
    matches!(bidi_class(c), BidiClass::R | BidiClass::AL)
}

fn has_right_to_left(text: &str) -> bool {
    // Nothing before the Hebrew block is written from right to left.
    text.chars().any(|c| c >= '\u{590}' && is_right_to_left(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_text_is_left_alone() {
        for text in ["", "pointillism", "日本画", "Ж 12", "चित्र", "🎨 paint"] {
            assert!(matches!(display(text), Cow::Borrowed(t) if t == text), "{text}");
        }
    }

    #[test]
    fn words_are_turned_and_the_latin_rest_is_not_mirrored() {
        // Two Hebrew words: the second is drawn at the left of the first, each in reading order for the shaper.
        assert_eq!(pieces("אבג דהו").unwrap(), ["דהו", " ", "אבג"]);
        assert_eq!(display("אבג ranks first"), "אבג ranks first");
        assert_eq!(pieces("the אבג (דה) file.jpg").unwrap().concat(), "the (דה) אבג file.jpg");
        assert_eq!(display("Ölbild شمس – 7.jpg").matches("jpg").count(), 1);
    }

    #[test]
    fn a_number_after_an_isolated_name_stays_at_its_right() {
        let plain = display("אבג: +41.2 nats").into_owned();
        let isolated = format!("{}: +41.2 nats", isolate("אבג"));
        assert_eq!(display(&isolated), "אבג: +41.2 nats");
        assert_ne!(plain, "אבג: +41.2 nats", "without isolation the number would be drawn at the left");
        assert_eq!(isolate("woodcut"), "woodcut");
    }
}
