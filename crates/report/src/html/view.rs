//! What the template prints: every text and every length decided.

use std::collections::{HashMap, HashSet};

use askama::Template;

use super::chart::{Chart, Row as ChartRow, WIDTH};
use super::{Facts, Report, ReportImage, ReportQuery, data_uri};
use crate::tables::{ScoreRow, score_rows};
use whence_base::Result;
use whence_methods::{Attribution, CounterfactualKind, Unit, methods, verdict};

/// Bars drawn at most; the table has all groups.
const BARS: usize = 24;

/// Images up to this side are shown with their pixels as squares.
const TINY: usize = 96;

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
pub struct Page<'a> {
    report: &'a Report,
    colours: Vec<GroupColours>,
    sections: Vec<Section>,
    /// Several sections can be about one image.
    images: usize,
    /// Whether there are scores in nats, whose meaning is told.
    nats: bool,
    /// Title, description and unit of each method whose scores are not in nats.
    other_units: Vec<(&'static str, &'static str, &'static str)>,
    unlearned: bool,
    random: bool,
    version: &'static str,
    chart_width: f64,
}

struct GroupColours {
    class: String,
    light: String,
    dark: String,
}

struct Section {
    anchor: String,
    name: String,
    image: Image,
    method: String,
    unit: &'static str,
    /// Only a likelihood has bits per dimension.
    nats: bool,
    about: String,
    verdict: String,
    trust: Vec<String>,
    warnings: Vec<String>,
    chart: Chart,
    left_out: usize,
    rows: Vec<Row>,
    checked: bool,
    nearest: Vec<Strip>,
    reference: Option<Image>,
    regenerated: Vec<Strip>,
    map: Option<Image>,
}

/// Images of a group in a row.
struct Strip {
    class: String,
    group: String,
    images: Vec<Image>,
}

struct Image {
    uri: String,
    caption: String,
    tiny: bool,
}

struct Row {
    class: String,
    group: String,
    rank: usize,
    tied: bool,
    score: Number,
    std_err: Number,
    low: Number,
    high: Number,
    bits: Option<Number>,
    evaluations: usize,
    gate: Option<bool>,
    gate_words: String,
}

/// A number as people read it, and with all its digits.
struct Number {
    text: String,
    full: f64,
}

impl<'a> Page<'a> {
    pub fn new(report: &'a Report) -> Result<Self> {
        let colours: Vec<GroupColours> = report
            .groups
            .iter()
            .enumerate()
            .map(|(i, g)| GroupColours { class: format!("g{i}"), light: colour(&g.light), dark: colour(&g.dark) })
            .collect();
        let classes: HashMap<&str, String> =
            report.groups.iter().enumerate().map(|(i, g)| (g.name.as_str(), format!("g{i}"))).collect();
        let sections: Result<Vec<Section>> =
            report.queries.iter().enumerate().map(|(i, q)| Section::new(i, q, &classes)).collect();
        let kind_of = |q: &ReportQuery| {
            methods().iter().find(|m| m.name() == q.attribution.method).and_then(|m| m.counterfactuals())
        };
        Ok(Self {
            report,
            colours,
            sections: sections?,
            images: report.queries.iter().map(|q| &q.image.pixels).collect::<HashSet<_>>().len(),
            nats: report.queries.iter().any(|q| q.attribution.unit == Unit::Nats),
            other_units: other_units(report),
            unlearned: report.queries.iter().any(|q| kind_of(q) == Some(CounterfactualKind::Unlearned)),
            random: report.queries.iter().any(|q| q.attribution.trust.as_ref().is_some_and(|t| t.null.is_some())),
            version: env!("CARGO_PKG_VERSION"),
            chart_width: WIDTH,
        })
    }

    fn facts(&self) -> impl Iterator<Item = &Facts> {
        self.report.facts.iter().filter(|f| !f.facts.is_empty())
    }
}

impl Section {
    fn new(index: usize, query: &ReportQuery, classes: &HashMap<&str, String>) -> Result<Self> {
        let attribution = &query.attribution;
        let class = |group: &str| classes.get(group).cloned().unwrap_or_default();
        let numel = query.image.shape.numel();
        let top = attribution.scores.iter().map(|s| s.estimate.score.abs()).fold(0.0, f64::max);
        let places = decimals(top);
        let ranked = score_rows(attribution, numel);
        let rows: Vec<Row> = ranked.iter().map(|row| Row::new(row, class(row.group), places)).collect();
        let bars: Vec<ChartRow<'_>> = rows
            .iter()
            .zip(&ranked)
            .take(BARS)
            .map(|(row, ranked)| ChartRow {
                class: &row.class,
                name: ranked.group,
                score: row.score.text.clone(),
                estimate: ranked.estimate,
                tied: ranked.tied,
            })
            .collect();
        let null = attribution.trust.as_ref().and_then(|t| t.null.as_ref());
        let chart = Chart::new(&bars, null);
        let strip = |group: &str, images: &[ReportImage]| -> Result<Strip> {
            let images = images.iter().map(Image::new).collect::<Result<_>>()?;
            Ok(Strip { class: class(group), group: group.to_owned(), images })
        };
        let nearest = query.nearest.iter().map(|(group, images)| strip(group, images)).collect::<Result<_>>()?;
        let regenerated = query
            .regenerated
            .iter()
            .map(|(group, one)| strip(group, std::slice::from_ref(one)))
            .collect::<Result<_>>()?;
        let verdict = verdict(attribution);
        let about = methods().iter().find(|m| m.name() == attribution.method).map_or("", |m| m.info().description);
        Ok(Self {
            anchor: format!("image-{}", index + 1),
            name: attribution.query.clone(),
            image: Image::new(&query.image)?,
            method: attribution.method.clone(),
            unit: attribution.unit.label(),
            nats: attribution.unit == Unit::Nats,
            about: about.to_owned(),
            trust: trust(attribution),
            warnings: failed(attribution),
            verdict,
            chart,
            left_out: rows.len().saturating_sub(BARS),
            checked: rows.iter().any(|r| r.gate.is_some()),
            rows,
            nearest,
            reference: query.reference.as_ref().map(Image::new).transpose()?,
            regenerated,
            map: query.map.as_ref().map(Image::new).transpose()?,
        })
    }
}

impl Image {
    fn new(image: &ReportImage) -> Result<Self> {
        let tiny = image.shape.width.max(image.shape.height) <= TINY;
        Ok(Self { uri: data_uri::of(image)?, caption: image.caption.clone(), tiny })
    }
}

impl Row {
    fn new(row: &ScoreRow<'_>, class: String, places: usize) -> Self {
        let number = |full: f64, text: String| Number { text, full };
        Self {
            class,
            group: row.group.to_owned(),
            rank: row.rank,
            tied: row.tied,
            score: number(row.score, signed(row.score, places)),
            std_err: number(row.std_err, unsigned(row.std_err, places + 1)),
            low: number(row.low_95, signed(row.low_95, places)),
            high: number(row.high_95, signed(row.high_95, places)),
            bits: row.bits_per_dim.map(|bits| number(bits, signed(bits, 5))),
            evaluations: row.evaluations,
            gate: row.gate.map(|g| g.passed()),
            gate_words: row.gate.map_or_else(String::new, |g| format!("The model {}", g.sentence(row.group))),
        }
    }

    fn numbers(&self) -> impl Iterator<Item = &Number> {
        [&self.score, &self.std_err, &self.low, &self.high].into_iter().chain(&self.bits)
    }
}

/// Title, description and unit of each method and unit other than nats, once.
fn other_units(report: &Report) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut found = Vec::new();
    for attribution in report.queries.iter().map(|q| &q.attribution).filter(|a| a.unit != Unit::Nats) {
        let Some(method) = methods().iter().find(|m| m.name() == attribution.method) else { continue };
        let entry = (method.info().title, method.info().description, attribution.unit.label());
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}

/// What speaks for the verdict and what against it, as sentences.
fn trust(attribution: &Attribution) -> Vec<String> {
    let ranked = whence_methods::rank(&attribution.scores);
    let leader = ranked.first().and_then(|r| attribution.scores.get(r.index));
    let (Some(trust), Some(leader)) = (&attribution.trust, leader) else { return Vec::new() };
    trust.sentences(&leader.group, leader.estimate.score)
}

/// The groups whose models failed their check, in words.
fn failed(attribution: &Attribution) -> Vec<String> {
    let failed = attribution.scores.iter().filter_map(|s| Some((s, s.gate.filter(|g| !g.passed())?)));
    failed
        .map(|(s, gate)| format!("The model without {} failed its check: it {}", s.group, gate.sentence(&s.group)))
        .collect()
}

/// Digits after the point that suit a column whose largest value is `top`.
fn decimals(top: f64) -> usize {
    match top {
        t if t >= 100.0 => 1,
        t if t >= 1.0 => 2,
        _ => 4,
    }
}

/// With its sign and a true minus.
fn signed(value: f64, places: usize) -> String {
    let sign = if value < 0.0 { "\u{2212}" } else { "+" };
    let text = unsigned(value.abs(), places);
    if text.bytes().all(|b| matches!(b, b'0' | b'.')) || !value.is_finite() { text } else { format!("{sign}{text}") }
}

fn unsigned(value: f64, places: usize) -> String {
    if value.is_finite() { format!("{value:.places$}") } else { "unknown".into() }
}

/// Only what is a colour goes into the style sheet.
fn colour(hex: &str) -> String {
    let digits = hex.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
    digits.map_or_else(|| "#808080".to_owned(), |_| hex.to_owned())
}
