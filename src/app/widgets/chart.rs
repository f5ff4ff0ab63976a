//! Curves with axes, numbers, a legend, a crosshair and zoom: egui_plot with the window's colours and an accessible name.

mod scale;

use egui::accesskit::Role;
use egui::{Align, Button, Color32, IdSalt, Label, Layout, Response, RichText, TextStyle, Ui, Vec2, WidgetInfo, vec2};
use egui_plot::{AxisHints, Corner, HoverPosition, Legend, Line, MarkerShape, Plot, PlotPoint, Points};

use crate::app::theme::{self, Mark, tokens};

pub use scale::Scaling;

/// One line.
pub struct Series<'a> {
    /// Its name in the legend. Lines of the same name share an entry.
    pub name: &'a str,
    /// Its colour.
    pub color: Color32,
    /// Points (x, y), sorted by x.
    pub points: &'a [[f64; 2]],
    /// Whether single points are noisy. They are then drawn faint, with their running mean over them.
    pub noisy: bool,
    /// Whether it is only there for comparison, which is drawn faint.
    pub faint: bool,
    /// The mark at its points, where it has one.
    pub mark: Option<Mark>,
}

/// An axis of a chart.
pub struct Axis<'a> {
    /// What it shows, with the unit.
    pub label: &'a str,
    /// How values lie on it.
    pub scaling: Scaling,
    /// How a value is written beside it.
    pub format: &'a dyn Fn(f64) -> String,
}

/// What a chart shows.
pub struct Chart<'a> {
    /// Its heading, and its accessible name.
    pub title: &'a str,
    /// The latest or largest value in words, for the heading and for screen readers.
    pub summary: &'a str,
    /// Its size with heading and axes.
    pub size: Vec2,
    /// Horizontal axis.
    pub x: Axis<'a>,
    /// Vertical axis.
    pub y: Axis<'a>,
    /// Whether the horizontal axis runs from large values to small ones.
    pub reversed: bool,
    /// Points that the axes contain in any case; an axis ignores what is not finite.
    pub include: &'a [[f64; 2]],
    /// The lines, the one in front last.
    pub series: &'a [Series<'a>],
    /// What is said about the point (x, y) under the pointer.
    pub describe: &'a dyn Fn(f64, f64) -> String,
}

/// Height of the heading.
const HEADING: f32 = 24.0;
/// How much one press of a zoom button enlarges.
const ZOOM: f32 = 1.5;
/// Decay of the exponential running mean.
const DECAY: f64 = 0.85;

/// Exponential running mean with bias correction, as in Adam (Kingma and Ba 2015). Non-finite points are skipped.
fn running_mean(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let (mut sum, mut weight) = (0.0, 0.0);
    points
        .iter()
        .filter(|p| p[1].is_finite())
        .map(|[x, y]| {
            sum = DECAY * sum + y;
            weight = DECAY * weight + 1.0;
            [*x, sum / weight]
        })
        .collect()
}

/// What the buttons of the heading ask for.
#[derive(Clone, Copy, Default)]
struct Asked {
    zoom: Option<f32>,
    reset: bool,
}

/// Draws a chart. The plot can be dragged, zoomed with Ctrl and the wheel or the buttons, and reset.
pub fn chart(ui: &mut Ui, chart: &Chart<'_>) -> Response {
    ui.allocate_ui(chart.size, |ui| {
        ui.set_min_size(chart.size);
        ui.spacing_mut().item_spacing.y = 2.0;
        let zoomed_id = ui.make_persistent_id(("zoomed", chart.title));
        let zoomed = ui.data(|d| d.get_temp::<bool>(zoomed_id)).unwrap_or(false);
        let asked = heading(ui, chart, zoomed);
        let (response, now) = plot(ui, chart, asked);
        ui.data_mut(|d| d.insert_temp(zoomed_id, now));
        if now != zoomed {
            ui.ctx().request_repaint();
        }
        response
    })
    .inner
}

/// Title, summary, and the buttons that zoom.
fn heading(ui: &mut Ui, chart: &Chart<'_>, zoomed: bool) -> Asked {
    let t = tokens(ui);
    let mut asked = Asked::default();
    let line = vec2(ui.available_width(), HEADING);
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        let button = |ui: &mut Ui, text: &str, name: &str, hint: &str| {
            let widget = Button::new(RichText::new(text).font(theme::caption())).small();
            ui.add(widget).accessible_name(format!("{name}: {}", chart.title)).on_hover_text(hint).clicked()
        };
        if button(ui, "+", "Zoom in", "Zoom in. Drag to move; Ctrl and the mouse wheel zoom at the pointer.") {
            asked.zoom = Some(ZOOM);
        }
        if button(ui, "\u{2212}", "Zoom out", "Zoom out.") {
            asked.zoom = Some(1.0 / ZOOM);
        }
        if zoomed && button(ui, "Reset", "Reset zoom", "Show everything again. A double click does the same.") {
            asked.reset = true;
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(chart.title).color(t.text)));
            ui.add(Label::new(RichText::new(chart.summary).font(theme::caption()).color(t.weak)).truncate());
        });
    });
    asked
}

/// The plot below the heading. Returns its response, and whether it is zoomed.
fn plot(ui: &mut Ui, chart: &Chart<'_>, asked: Asked) -> (Response, bool) {
    let t = tokens(ui);
    let (x, y) = (&chart.x, &chart.y);
    let axis = |hints: AxisHints<'static>, label: &str| {
        hints
            .label(RichText::new(label).font(theme::caption()).color(t.weak))
            .tick_label_font(theme::caption())
            .tick_label_color(t.weak)
    };
    let bold = chart.series.iter().filter(|s| !s.name.is_empty()).count() > 1;
    let mut plot = Plot::new(IdSalt::new(chart.title))
        .height((chart.size.y - HEADING - 2.0).max(60.0))
        .width(chart.size.x)
        .custom_x_axes(vec![
            axis(AxisHints::new_x(), x.label).formatter(|mark, _| (x.format)(x.scaling.value(mark.value))),
        ])
        .custom_y_axes(vec![
            axis(AxisHints::new_y(), y.label).formatter(|mark, _| (y.format)(y.scaling.value(mark.value))),
        ])
        .x_grid_spacer(|input| x.scaling.marks(&input))
        .y_grid_spacer(|input| y.scaling.marks(&input))
        .invert_x(chart.reversed)
        .allow_scroll(false)
        .grid_color(t.line)
        .cursor_color(t.outline)
        .label_formatter(|position| {
            let HoverPosition::NearDataPoint { position, .. } = position else { return None };
            Some((chart.describe)(x.scaling.value(position.x), y.scaling.value(position.y)))
        });
    if bold {
        let legend = Legend::default()
            .position(Corner::LeftTop)
            .text_style(TextStyle::Small)
            .follow_insertion_order(true)
            .background_alpha(0.85);
        plot = plot.legend(legend);
    }
    for [at_x, at_y] in chart.include {
        if at_x.is_finite() {
            plot = plot.include_x(x.scaling.position(*at_x));
        }
        if at_y.is_finite() {
            plot = plot.include_y(y.scaling.position(*at_y));
        }
    }
    if asked.reset {
        plot = plot.reset();
    }
    let shown = plot.show(ui, |plot| {
        for (i, line) in chart.series.iter().enumerate() {
            draw(plot, chart, line, i);
        }
        if let Some(factor) = asked.zoom {
            let center = plot.plot_bounds().center();
            plot.zoom_bounds(vec2(factor, factor), PlotPoint::new(center.x, center.y));
        }
        plot.auto_bounds().any()
    });
    let zoomed = !asked.reset && (asked.zoom.is_some() || !shown.inner);
    let words = format!("{}. {}", chart.title, chart.summary);
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words.trim()));
    (shown.response, zoomed)
}

/// Draws one line.
fn draw<'a>(plot: &mut egui_plot::PlotUi<'a>, chart: &Chart<'a>, line: &Series<'a>, index: usize) {
    let place = |points: &[[f64; 2]]| -> Vec<[f64; 2]> {
        let finite = points.iter().filter(|p| p[1].is_finite());
        finite.map(|p| [chart.x.scaling.position(p[0]), chart.y.scaling.position(p[1])]).collect()
    };
    let faded = line.color.gamma_multiply(if line.faint { 0.35 } else { 0.4 });
    if line.noisy {
        let name = format!("{}, single steps", line.name);
        let raw = Line::new(name, place(line.points)).id(("raw", index)).color(faded).width(1.0).allow_hover(false);
        plot.line(raw);
        let name = format!("{}, running mean", line.name);
        let mean = Line::new(name, place(&running_mean(line.points))).id(("mean", index)).color(line.color).width(1.8);
        return plot.line(mean);
    }
    let color = if line.faint { faded } else { line.color };
    let width = if line.faint { 1.0 } else { 1.8 };
    let own = Line::new(line.name, place(line.points)).id(("line", index)).color(color).width(width);
    plot.line(own.allow_hover(!line.faint));
    if let Some(mark) = line.mark {
        let (shape, filled) = marker(mark);
        let points = Points::new(line.name, place(line.points)).id(("points", index)).shape(shape).filled(filled);
        plot.points(points.color(color).radius(3.0).allow_hover(false));
    }
}

/// A group's mark as egui_plot draws it, and whether it is filled.
fn marker(mark: Mark) -> (MarkerShape, bool) {
    match mark {
        Mark::Disc => (MarkerShape::Circle, true),
        Mark::Ring => (MarkerShape::Circle, false),
        Mark::Square => (MarkerShape::Square, true),
        Mark::Diamond => (MarkerShape::Diamond, true),
        Mark::Up => (MarkerShape::Up, true),
        Mark::Down => (MarkerShape::Down, true),
        Mark::Plus => (MarkerShape::Plus, true),
        Mark::Cross => (MarkerShape::Cross, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_mean_starts_at_the_first_point() {
        let points: Vec<[f64; 2]> = (0..200).map(|i| [f64::from(i), f64::from(i % 2)]).collect();
        let means = running_mean(&points);
        assert_eq!(means.first(), Some(&[0.0, 0.0]));
        assert!(means.last().is_some_and(|p| (p[1] - 0.5).abs() < 0.1));
    }
}
