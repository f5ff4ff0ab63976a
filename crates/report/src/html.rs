//! The report: one HTML file that needs no network and no script, reads well on screen and on paper, and says how to
//! make it again.

mod chart;
mod data_uri;
#[cfg(test)]
mod tests;
mod view;

use std::path::Path;

use askama::Template as _;
use serde::Serialize;

use whence_base::{Error, Result};
use whence_data::ImageShape;
use whence_methods::Attribution;

/// Everything in a report, as plain data.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its title.
    pub title: String,
    /// When it was made, as people write it.
    pub date: String,
    /// How groups look, by name; grey for those that are not listed.
    pub groups: Vec<GroupStyle>,
    /// The images asked about.
    pub queries: Vec<ReportQuery>,
    /// Settings, hashes, device, versions.
    pub facts: Vec<Facts>,
    /// Recipes of the unlearning: names of files and their text.
    pub recipes: Vec<(String, String)>,
    /// The commands that make the report again.
    pub commands: Vec<String>,
    /// What was worth knowing on the way.
    pub warnings: Vec<String>,
}

/// A group's colours as `#rrggbb`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupStyle {
    /// Name of the group.
    pub name: String,
    /// On a light ground, and on paper.
    pub light: String,
    /// On a dark ground.
    pub dark: String,
}

/// An image in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportImage {
    /// Planar bytes.
    pub pixels: Vec<u8>,
    /// Their shape.
    pub shape: ImageShape,
    /// What is written below it.
    pub caption: String,
}

/// An image asked about, and what was found.
#[derive(Clone, Debug)]
pub struct ReportQuery {
    /// The image.
    pub image: ReportImage,
    /// What the groups had to do with it.
    pub attribution: Attribution,
    /// Training images near to it, by group, the most interesting group first.
    pub nearest: Vec<(String, Vec<ReportImage>)>,
    /// The image drawn again by the full model, where that is what redrawings are to be compared with.
    pub reference: Option<ReportImage>,
    /// The image drawn again without a group each.
    pub redrawn: Vec<(String, ReportImage)>,
    /// Where the score comes from.
    pub map: Option<ReportImage>,
}

/// Some facts under a title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The title.
    pub title: String,
    /// Names and values.
    pub facts: Vec<(String, String)>,
}

impl Facts {
    /// Every value of plain data, named by its path: `optimizer.epsilon`. What is absent is left out.
    pub fn of(title: &str, data: &impl Serialize) -> Self {
        let mut facts = Vec::new();
        // Plain data of this program always becomes JSON.
        if let Ok(value) = serde_json::to_value(data) {
            flatten("", &value, &mut facts);
        }
        Self { title: title.into(), facts }
    }
}

fn flatten(path: &str, value: &serde_json::Value, out: &mut Vec<(String, String)>) {
    use serde_json::Value;
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, out)),
        Value::Array(items) if items.iter().any(|i| i.is_object() || i.is_array()) => {
            items.iter().enumerate().for_each(|(i, item)| flatten(&below(&(i + 1).to_string()), item, out));
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) => {
            let all: Vec<String> = items.iter().map(plain).collect();
            out.push((path.to_owned(), all.join(", ")));
        }
        single => out.push((path.to_owned(), plain(single))),
    }
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Control characters, and those that turn the direction of all text behind them, as U+FFFD: names can hold them.
fn harmless(c: char) -> char {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if turns || (c.is_control() && !matches!(c, '\n' | '\t')) { char::REPLACEMENT_CHARACTER } else { c }
}

impl Report {
    /// The HTML file's text.
    ///
    /// # Errors
    /// Where an image cannot be encoded.
    pub fn render(&self) -> Result<String> {
        let page = view::Page::new(self)?;
        let html = page.render().map_err(|e| Error::input(e.to_string(), "report", "report this"))?;
        Ok(html.chars().map(harmless).collect())
    }

    /// Writes the HTML file, whole or not at all.
    ///
    /// # Errors
    /// As [`render`](Self::render), and where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        whence_store::write_atomic(path, self.render()?.as_bytes())
    }
}
