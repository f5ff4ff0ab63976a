//! The bars of a ranking: signed around a zero line, with intervals.

use egui::accesskit::Role;
use egui::{Align2, EventFilter, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::{elided, hover, swatch, warning};
use crate::app::format;
use crate::app::theme::{self, RADIUS, Tokens, tokens};
use whence_diffusion::elbo::Estimate;

/// Usual height of a row, and the range in which it follows the room.
const ROW: f32 = 32.0;
const ROWS: std::ops::RangeInclusive<f32> = 20.0..=60.0;
/// Width at the left of the name, for the tie bracket and the mark.
const GUTTER: f32 = 40.0;
/// Width of the score column, and of the warning column at its left.
const SCORES: f32 = 92.0;
const WARNINGS: f32 = 22.0;
/// Opacity of groups that were eliminated early.
const DIM: f32 = 0.38;

/// The range of values of a column of bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    /// The range of the random control groups.
    control: Option<(f64, f64)>,
    /// Digits after the decimal point.
    pub decimals: usize,
    /// Height of a row.
    row: f32,
}

impl Scale {
    /// The scale of these estimates. It contains zero, all scores and all finite intervals.
    pub fn of<'a>(estimates: impl Iterator<Item = &'a Estimate>) -> Self {
        let (mut low, mut high, mut top) = (0.0f64, 0.0f64, 0.0f64);
        for e in estimates {
            let (l, h) = e.interval_95();
            for value in [e.score, l, h] {
                if value.is_finite() {
                    low = low.min(value);
                    high = high.max(value);
                }
            }
            if e.score.is_finite() {
                top = top.max(e.score.abs());
            }
        }
        if high - low < 1e-12 {
            high = 1.0;
        }
        Self { low, high, control: None, decimals: format::decimals(top), row: ROW }
    }

    /// The same with the range of the random control groups, whose upper end it contains too.
    pub fn with_control_range(self, low: f64, high: f64) -> Self {
        if !low.is_finite() || !high.is_finite() {
            return self;
        }
        let (lowest, highest) = (self.low.min(high), self.high.max(high));
        Self { low: lowest, high: highest, control: Some((low, high)), ..self }
    }

    /// The same with rows that share this height, so that all are visible where that is possible.
    pub fn with_room(self, height: f32, rows: usize) -> Self {
        let row = (height / rows.max(1) as f32).floor().clamp(*ROWS.start(), *ROWS.end());
        Self { row, ..self }
    }

    /// The position of a value, 0 to 1. Values beyond the range are at its ends, NaN is at zero.
    pub fn position(&self, value: f64) -> f32 {
        if value.is_nan() {
            return self.position(0.0);
        }
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0) as f32
    }
}

/// One group's row.
pub struct Bar<'a> {
    /// The group's index, for its colour.
    pub group: usize,
    /// Its name.
    pub name: &'a str,
    /// Its score.
    pub estimate: Estimate,
    /// Whether it is statistically tied with the row above.
    pub tied: bool,
    /// Whether it is a preview, which is drawn hollow.
    pub hollow: bool,
    /// Whether it was eliminated early, which is drawn dimmed.
    pub dimmed: bool,
    /// Whether its unlearning check failed, which is marked beside the score.
    pub warned: bool,
    /// Whether it is selected.
    pub selected: bool,
    /// The progress of its model, in place of the score.
    pub busy: Option<&'a str>,
    /// Accessible name.
    pub label: &'a str,
}

fn columns(rect: Rect) -> (f32, f32) {
    let names = (rect.width() * 0.24).clamp(84.0, 220.0);
    (rect.left() + GUTTER + names + 8.0, rect.right() - SCORES)
}

/// The area of a row that bars are drawn in.
fn area(rect: Rect) -> Rect {
    let (start, end) = columns(rect);
    Rect::from_x_y_ranges(start..=end - 8.0, rect.y_range())
}

/// The line of captions above the rows.
pub fn header(ui: &mut Ui, left: &str, right: &str) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let painter = ui.painter();
    let unit = painter.layout_no_wrap(right.to_owned(), theme::caption(), t.weak).size().x;
    let room = rect.right() - 22.0 - unit - (rect.left() + GUTTER - 16.0);
    let shown = elided(painter, left, theme::caption(), t.weak, room);
    let cut = shown.elided;
    painter.galley(pos2(rect.left() + GUTTER - 16.0, rect.center().y - shown.size().y / 2.0), shown, t.weak);
    painter.text(rect.right_center() - vec2(10.0, 0.0), Align2::RIGHT_CENTER, right, theme::caption(), t.weak);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), left));
    if cut { response.on_hover_text(left) } else { response }
}

/// The caption of the line up to which random control groups score, where the scale has one. The line starts here.
pub fn control_caption(ui: &mut Ui, text: &str, label: &str, scale: &Scale) -> Option<Response> {
    let t = tokens(ui);
    let (_, high) = scale.control?;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let area = area(rect);
    let x = area.left() + scale.position(high) * area.width();
    let painter = ui.painter();
    painter.vline(x, rect.center().y..=rect.bottom() + 2.0, Stroke::new(1.0, t.weak));
    let shown = elided(painter, text, theme::caption(), t.weak, rect.width());
    // At the right of the line where it fits, else at its left.
    let right = x + 6.0 + shown.size().x <= rect.right() - 10.0;
    let left = if right { x + 6.0 } else { (x - 6.0 - shown.size().x).max(rect.left()) };
    painter.galley(pos2(left, rect.center().y - shown.size().y / 2.0), shown, t.weak);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), label));
    Some(response)
}

/// Shows a row, which can be clicked.
pub fn bar(ui: &mut Ui, bar: &Bar<'_>, scale: &Scale) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), scale.row), Sense::click());
    if response.has_focus() {
        // The arrow keys move the selection (actions.rs) and must not move the focus as well.
        let filter = EventFilter { vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    }
    if bar.selected && !response.has_focus() && ui.memory(|m| m.focused()).is_some_and(|id| is_row(ui, id)) {
        response.request_focus();
    }
    ui.data_mut(|d| d.insert_temp(response.id, RowMark));
    let painter = ui.painter();
    let background = match (bar.selected, hover::hovered(ui, &response, bar.group)) {
        (true, _) => Some(t.selected),
        (false, true) => Some(t.control.gamma_multiply(0.6)),
        (false, false) => None,
    };
    if let Some(color) = background {
        painter.rect_filled(rect, f32::from(RADIUS), color);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, f32::from(RADIUS), Stroke::new(1.0, t.outline), StrokeKind::Inside);
    }
    let middle = rect.center().y;
    if bar.tied {
        tie(painter, rect, scale.row, t);
    }
    swatch(painter, pos2(rect.left() + GUTTER - 12.0, middle), 5.0, bar.group, t);
    let area = area(rect);
    let start = area.left();
    let color = match (bar.selected, bar.dimmed) {
        (true, _) => t.strong,
        (_, true) => t.weak,
        _ => t.text,
    };
    let name = elided(painter, bar.name, theme::body(), color, start - rect.left() - GUTTER - 8.0);
    painter.galley(pos2(rect.left() + GUTTER, middle - name.size().y / 2.0), name, color);
    draw(painter, area, bar, scale, t);
    let value = bar.busy.map_or_else(|| format::signed(bar.estimate.score, scale.decimals), str::to_owned);
    let muted = bar.hollow || bar.dimmed || bar.busy.is_some();
    let (font, color) = if bar.busy.is_some() {
        (theme::caption(), t.weak)
    } else {
        (theme::body(), if muted { t.weak } else { t.strong })
    };
    painter.text(pos2(rect.right() - 10.0, middle), Align2::RIGHT_CENTER, value, font, color);
    if bar.warned {
        warning(painter, pos2(area.right() + 8.0 + WARNINGS / 2.0, middle), t);
    }
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, ui.is_enabled(), bar.selected, bar.label));
    response
}

/// Marks the widgets that are rows, so that the focus follows the selection only among them.
#[derive(Clone, Copy, Default)]
struct RowMark;

fn is_row(ui: &Ui, id: egui::Id) -> bool {
    ui.data(|d| d.get_temp::<RowMark>(id)).is_some()
}

fn draw(painter: &Painter, area: Rect, bar: &Bar<'_>, scale: &Scale, t: &Tokens) {
    let x = |value: f64| area.left() + scale.position(value) * area.width();
    let zero = x(0.0);
    let height = area.y_range().expand(1.0);
    let control = scale.control.filter(|_| !bar.hollow);
    if let Some((low, high)) = control {
        painter.rect_filled(Rect::from_x_y_ranges(x(low)..=x(high), height), 0.0, t.weak.gamma_multiply(0.14));
    }
    painter.vline(zero, height, Stroke::new(1.0, t.outline.gamma_multiply(0.7)));
    let color = t.group(bar.group).gamma_multiply(if bar.dimmed { DIM } else { 1.0 });
    let (a, b) = (zero.min(x(bar.estimate.score)), zero.max(x(bar.estimate.score)));
    // The bar grows with its row.
    let half = (0.22 * scale.row).clamp(6.0, 11.0);
    let body = Rect::from_x_y_ranges(a..=b.max(a + 1.0), area.center().y - half..=area.center().y + half);
    if bar.hollow {
        painter.rect_filled(body, 2.0, color.gamma_multiply(0.16));
        painter.rect_stroke(body, 2.0, Stroke::new(1.0, color.gamma_multiply(0.8)), StrokeKind::Inside);
        return;
    }
    painter.rect_filled(body, 2.0, color);
    if let Some((_, high)) = control {
        painter.vline(x(high), height, Stroke::new(1.0, t.weak));
    }
    let (low, high) = bar.estimate.interval_95();
    if !low.is_finite() || !high.is_finite() || high - low <= 0.0 {
        return;
    }
    // An edge in the background colour keeps the interval visible on its own bar.
    let y = area.center().y;
    let ink = if bar.dimmed { t.weak } else { t.strong };
    for stroke in [Stroke::new(3.5, t.window), Stroke::new(1.5, ink)] {
        painter.hline(x(low)..=x(high), y, stroke);
        for end in [x(low), x(high)] {
            painter.vline(end, y - 4.0..=y + 4.0, stroke);
        }
    }
}

/// A bracket from the row above to this one.
fn tie(painter: &Painter, rect: Rect, row: f32, t: &Tokens) {
    let x = rect.left() + 10.0;
    let (top, bottom) = (rect.top() - row * 0.5 + 2.0, rect.center().y - 2.0);
    let stroke = Stroke::new(1.0, t.weak);
    painter.vline(x, top..=bottom, stroke);
    painter.hline(x..=x + 5.0, top, stroke);
    painter.hline(x..=x + 5.0, bottom, stroke);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_contains_zero_and_all_finite_intervals() {
        let estimates = [Estimate::new(10.0, 1.0), Estimate::new(-2.0, f64::INFINITY)];
        let scale = Scale::of(estimates.iter());
        assert_eq!(scale.position(-2.0), 0.0);
        assert!(scale.position(0.0) > 0.0 && scale.position(11.0) < 1.0);
        assert_eq!((scale.position(f64::INFINITY), scale.position(f64::NEG_INFINITY)), (1.0, 0.0));
        assert_eq!(scale.position(f64::NAN), scale.position(0.0));
        assert_eq!(scale.decimals, 1);
    }

    #[test]
    fn the_scale_contains_the_upper_end_of_the_control_range() {
        let scale = Scale::of([Estimate::exact(3.0)].iter()).with_control_range(-8.0, 12.0);
        assert_eq!((scale.position(12.0), scale.position(-8.0)), (1.0, 0.0));
        assert_eq!(scale.position(3.0), 0.25, "the lower end of the band does not extend the scale");
        assert_eq!(scale.with_control_range(0.0, f64::NAN), scale);
    }

    #[test]
    fn a_scale_of_zeros_has_a_positive_width() {
        let scale = Scale::of([Estimate::exact(0.0)].iter());
        assert_eq!((scale.position(0.0), scale.position(1.0)), (0.0, 1.0));
    }
}
