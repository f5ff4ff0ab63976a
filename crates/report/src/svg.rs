//! Drawings for print and for papers: bars, tables and curves as SVG, with real text.

mod plot;

use std::fmt::Write as _;
use std::path::Path;

use whence_base::Result;

/// Sizes, in units of the drawing.
const MARGIN: f64 = 24.0;
const NAMES: f64 = 190.0;
const COLUMN: f64 = 340.0;
const SCORES: f64 = 76.0;
const ROW: f64 = 26.0;
const TITLE: f64 = 58.0;
const HEAD: f64 = 44.0;
const FONT: &str = "font-family=\"Helvetica, Arial, sans-serif\"";

/// Most letters of a name that fit its column; the whole name is in the drawing as its title.
const LETTERS: usize = 26;

/// A drawing.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// Bars with intervals and numbers, one column per method.
    Bars(Bars),
    /// Numbers.
    Table(Table),
    /// Curves over a common x axis.
    Curves(Curves),
}

/// One row per group and one column per method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// The drawing's title.
    pub title: String,
    /// What it says below the title.
    pub caption: String,
    /// Names of the groups and their colours, `#rrggbb`.
    pub rows: Vec<(String, String)>,
    /// The columns.
    pub columns: Vec<Column>,
}

/// The scores of one method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Its method.
    pub title: String,
    /// What the scores are measured in, and how they were computed.
    pub caption: String,
    /// A score per row; none where the method has not scored the group.
    pub cells: Vec<Option<Cell>>,
}

/// A score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Its value.
    pub value: f64,
    /// Its 95% confidence interval, where it has one.
    pub interval: Option<(f64, f64)>,
    /// The value as people read it.
    pub text: String,
    /// Whether its model failed the unlearning check.
    pub warned: bool,
}

/// A table of texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The drawing's title.
    pub title: String,
    /// What it says below the title.
    pub caption: String,
    /// Heads of the columns.
    pub head: Vec<String>,
    /// Rows of as many cells; the first is a name.
    pub rows: Vec<Vec<String>>,
}

/// Plots below each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// The drawing's title.
    pub title: String,
    /// The name of the x axis.
    pub x: String,
    /// The plots.
    pub plots: Vec<Plot>,
}

/// One plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// What its y axis shows, with the unit.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line of a plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its colour, `#rrggbb`.
    pub colour: String,
    /// Its points (x, y).
    pub points: Vec<[f64; 2]>,
}

/// Writes a drawing as SVG.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_svg(path: &Path, figure: &Figure) -> Result<()> {
    whence_store::write_atomic(path, svg(figure).as_bytes())
}

/// A drawing as SVG.
pub fn svg(figure: &Figure) -> String {
    let (width, height, body) = match figure {
        Figure::Bars(bars) => draw_bars(bars),
        Figure::Table(table) => draw_table(table),
        Figure::Curves(curves) => plot::draw(curves),
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         {FONT}>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Text as XML: names come from folders and files. Characters that XML does not allow are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

/// A colour that is one; grey otherwise.
fn colour(hex: &str) -> &str {
    let digits = hex.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
    if digits.is_some() { hex } else { "#808080" }
}

fn number(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// A text at a point; `anchor` is start, middle or end.
fn text(out: &mut String, (x, y): (f64, f64), size: f64, anchor: &str, fill: &str, words: &str) {
    _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{}</text>",
        number(x),
        number(y),
        escaped(words)
    );
}

/// A name, cut to its column; the whole name appears under the pointer.
fn name(out: &mut String, (x, y): (f64, f64), words: &str) {
    let mut short: String = words.chars().take(LETTERS).collect();
    if words.chars().count() > LETTERS {
        short.pop();
        short.push('…');
    }
    _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" font-size=\"13\" fill=\"#1a1a1a\"><title>{}</title>{}</text>",
        number(x),
        number(y),
        escaped(words),
        escaped(&short)
    );
}

fn line(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), width: f64, stroke: &str) {
    _ = writeln!(
        out,
        "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>",
        number(x1),
        number(y1),
        number(x2),
        number(y2)
    );
}

fn title(out: &mut String, title: &str, caption: &str) {
    text(out, (MARGIN, MARGIN + 14.0), 17.0, "start", "#000000", title);
    text(out, (MARGIN, MARGIN + 32.0), 12.0, "start", "#555555", caption);
}

fn draw_bars(bars: &Bars) -> (f64, f64, String) {
    let mut out = String::new();
    title(&mut out, &bars.title, &bars.caption);
    let top = MARGIN + TITLE + HEAD;
    for (i, (group, hex)) in bars.rows.iter().enumerate() {
        let y = top + ROW * (i as f64 + 0.5);
        _ = writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"5\" fill=\"{}\"/>",
            number(MARGIN + 5.0),
            number(y),
            colour(hex)
        );
        name(&mut out, (MARGIN + 18.0, y + 4.5), group);
    }
    for (i, column) in bars.columns.iter().enumerate() {
        let left = MARGIN + NAMES + i as f64 * COLUMN;
        draw_column(&mut out, bars, column, (left, left + COLUMN - SCORES - 24.0), top);
    }
    let width = 2.0 * MARGIN + NAMES + bars.columns.len() as f64 * COLUMN;
    (width, top + ROW * bars.rows.len() as f64 + MARGIN, out)
}

fn draw_column(out: &mut String, bars: &Bars, column: &Column, (left, right): (f64, f64), top: f64) {
    text(out, (left, top - HEAD + 14.0), 13.0, "start", "#000000", &column.title);
    text(out, (left, top - HEAD + 30.0), 11.0, "start", "#555555", &column.caption);
    let cells = || column.cells.iter().flatten();
    let ends = cells().flat_map(|c| [c.value, c.interval.map_or(0.0, |i| i.0), c.interval.map_or(0.0, |i| i.1)]);
    let (low, high) = ends.filter(|v| v.is_finite()).fold((0.0f64, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
    let span = if high - low > 1e-12 { high - low } else { 1.0 };
    let x = |value: f64| left + ((value - low) / span).clamp(0.0, 1.0) * (right - left);
    let zero = x(0.0);
    line(out, (zero, top), (zero, top + ROW * bars.rows.len() as f64), 1.0, "#999999");
    for (i, ((_, hex), cell)) in bars.rows.iter().zip(&column.cells).enumerate() {
        let Some(cell) = cell else { continue };
        let y = top + ROW * (i as f64 + 0.5);
        let end = x(if cell.value.is_finite() { cell.value } else { 0.0 });
        _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"14\" fill=\"{}\"/>",
            number(zero.min(end)),
            number(y - 7.0),
            number((zero - end).abs().max(1.0)),
            colour(hex)
        );
        if let Some((low, high)) = cell.interval.filter(|(low, high)| low.is_finite() && high.is_finite() && high > low)
        {
            for (width, stroke) in [(3.5, "#ffffff"), (1.5, "#1a1a1a")] {
                line(out, (x(low), y), (x(high), y), width, stroke);
                for end in [x(low), x(high)] {
                    line(out, (end, y - 4.0), (end, y + 4.0), width, stroke);
                }
            }
        }
        let mark = if cell.warned { "⚠ " } else { "" };
        text(out, (right + SCORES, y + 4.5), 13.0, "end", "#1a1a1a", &format!("{mark}{}", cell.text));
    }
}

fn draw_table(table: &Table) -> (f64, f64, String) {
    let mut out = String::new();
    title(&mut out, &table.title, &table.caption);
    let top = MARGIN + TITLE;
    let columns = table.head.len().max(1) as f64;
    let (first, other) = (NAMES, 150.0);
    let right = |i: usize| MARGIN + first + i as f64 * other;
    let width = 2.0 * MARGIN + first + (columns - 1.0) * other;
    let mut row = |y: f64, cells: &[String], fill: &str| {
        for (i, cell) in cells.iter().enumerate() {
            if i == 0 {
                name(&mut out, (MARGIN, y), cell);
            } else {
                text(&mut out, (right(i), y), 13.0, "end", fill, cell);
            }
        }
    };
    row(top + 18.0, &table.head, "#555555");
    for (i, cells) in table.rows.iter().enumerate() {
        row(top + ROW * (i as f64 + 1.0) + 18.0, cells, "#1a1a1a");
    }
    line(&mut out, (MARGIN, top + ROW), (width - MARGIN, top + ROW), 1.0, "#999999");
    (width, top + ROW * (table.rows.len() as f64 + 1.0) + MARGIN, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(name: &str) -> Figure {
        let cell = |value: f64, warned| {
            Some(Cell { value, interval: Some((value - 1.0, value + 1.0)), text: format!("{value:+.1}"), warned })
        };
        let column = |title: &str| Column {
            title: title.into(),
            caption: "nats".into(),
            cells: vec![cell(4.0, false), cell(-2.0, true), None],
        };
        let rows = vec![
            (name.into(), "#d55e00".into()),
            ("oil".into(), "red\" onload".into()),
            ("wash".into(), "#123456".into()),
        ];
        Figure::Bars(Bars {
            title: "seed-7".into(),
            caption: String::new(),
            rows,
            columns: vec![column("A"), column("B")],
        })
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let text = svg(&bars("<script>\"ink\" & \u{1}oil</script>"));
        assert!(text.contains("&lt;script&gt;&quot;ink&quot; &amp; oil&lt;/"), "{text}");
        assert!(!text.contains("<script") && !text.contains("onload"));
        assert!(text.contains("#808080"), "what is no colour is grey");
        assert_eq!(text.matches("<rect").count(), 1 + 4, "the ground and four bars");
        assert_eq!(text.matches("⚠").count(), 2);
    }

    #[test]
    fn bars_start_at_zero_and_lie_inside_the_drawing() {
        let text = svg(&bars("ink"));
        let zero = text.lines().find(|l| l.contains("#999999")).unwrap();
        let at = |line: &str, key: &str| -> f64 {
            let rest = line.split(&format!(" {key}=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        let rects: Vec<&str> = text.lines().filter(|l| l.starts_with("<rect x")).collect();
        assert!((at(rects[0], "x") - at(zero, "x1")).abs() < 0.02, "a positive bar begins at zero");
        assert!((at(rects[1], "x") + at(rects[1], "width") - at(zero, "x1")).abs() < 0.02, "a negative one ends there");
    }

    #[test]
    fn tables_and_curves_are_text_and_paths() {
        let table = Table {
            title: "t".into(),
            caption: "c".into(),
            head: vec!["group".into(), "GUDA".into()],
            rows: vec![vec!["ink".into(), "+1.0".into()]],
        };
        let text = svg(&Figure::Table(table));
        assert!(text.contains(">ink</text>") && text.contains(">+1.0</text>"));
        let points = vec![[0.0, 1.0], [1.0, f64::NAN], [2.0, 3.0]];
        let line = Line { name: "loss".into(), colour: "#112233".into(), points };
        let plot = Plot { title: "Loss".into(), lines: vec![line, Line::default()] };
        let text =
            svg(&Figure::Curves(Curves { title: "t".into(), x: "step".into(), plots: vec![plot, Plot::default()] }));
        assert_eq!(text.matches("<path").count(), 1);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}
