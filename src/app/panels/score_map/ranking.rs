//! The groups ranked by what a part of the image adds to their scores, and when in the denoising it arises.

use std::sync::Arc;

use egui::{Label, RichText, ScrollArea, Ui, vec2};

use super::course::{Line, course};
use super::sums::{self, Part};
use super::{Mapped, brush};
use crate::app::actions::Command;
use crate::app::format;
use crate::app::panels::View;
use crate::app::panels::score::{OVERSHOOTS, made};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::{Bar, Scale, bar, header};
use whence_diffusion::elbo::Region;
use whence_methods::CounterfactualKind;

/// Height of a row, and of the line above them.
const ROW: f32 = 34.0;
const HEADER: f32 = 24.0;

/// A group in the ranking.
struct Ranked {
    group: usize,
    here: Arc<Part>,
    /// The score of the whole image.
    whole: f64,
}

/// Which terms are summed. A score may have been evaluated at more places than a map keeps, or at others.
fn places(view: &View<'_>, maps: &[Mapped<'_>]) -> String {
    let rows = || view.state.answer().into_iter().flat_map(|a| &a.board.rows);
    let own = |m: &Mapped<'_>| {
        let evaluated = rows().find(|r| r.group == Some(m.group)).map(|r| r.evaluations);
        evaluated.is_none_or(|evaluated| evaluated == 0 || evaluated == m.map.points.len())
    };
    match maps.iter().find(|m| !own(m)) {
        Some(m) => format!(
            "Estimated from {}, other than the score's own; 95 % intervals",
            format::plural(m.map.points.len(), "place")
        ),
        None => "Sums of the map's terms, 95 % intervals".into(),
    }
}

/// Draws the ranking of a region, or of the whole image, and the curve of `group`.
pub fn show(ui: &mut Ui, view: &mut View<'_>, maps: &[Mapped<'_>], group: usize, region: Option<Region>) {
    let mut rows: Vec<Ranked> = maps.iter().map(|m| ranked(ui, m, region)).collect();
    rows.sort_by(|a, b| b.here.estimate.score.total_cmp(&a.here.estimate.score));
    heading(ui, view, maps, &rows, group, region);
    ui.add_space(4.0);
    // The curve takes what the rows leave, up to a half.
    let room = ui.available_height() - GAP;
    let plot = (room - HEADER - ROW * rows.len() as f32).min(room * 0.5).max(room * 0.34).clamp(100.0, 360.0);
    let height = (room - plot).max(80.0);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let head = header(ui, &places(view, maps), "nats");
        let unlearned = view.state.answer().is_none_or(|a| made(&a.method) == Some(CounterfactualKind::Unlearned));
        if unlearned {
            head.on_hover_text(OVERSHOOTS);
        }
        let scale = Scale::of(rows.iter().map(|r| &r.here.estimate));
        let list = ScrollArea::vertical().id_salt("region").max_height(height - HEADER).auto_shrink([false, false]);
        list.show(ui, |ui| rows.iter().for_each(|row| line(ui, view, row, &scale, group)));
    });
    ui.add_space(GAP - ui.spacing().item_spacing.y);
    let t = tokens(ui);
    let curve = |row: &Ranked| row.here.clone();
    let (own, others): (Vec<_>, Vec<_>) = rows.iter().map(|r| (r.group, curve(r))).partition(|(g, _)| *g == group);
    let lines: Vec<Line<'_>> =
        others.iter().map(|(g, part)| Line { color: t.group(*g), points: &part.course }).collect();
    if let Some((_, part)) = own.first() {
        let own = Line { color: t.group(group), points: &part.course };
        course(ui, vec2(ui.available_width(), plot), view.state.group_name(group), &own, &lines);
    }
}

fn ranked(ui: &Ui, mapped: &Mapped<'_>, region: Option<Region>) -> Ranked {
    let whole = sums::part(ui, mapped.map, mapped.map.everywhere());
    let here = region.map_or_else(|| Arc::clone(&whole), |region| sums::part(ui, mapped.map, region));
    Ranked { group: mapped.group, here, whole: whole.estimate.score }
}

/// Which part of the image, and its share of the group's score.
fn heading(ui: &mut Ui, view: &View<'_>, maps: &[Mapped<'_>], rows: &[Ranked], group: usize, region: Option<Region>) {
    let t = tokens(ui);
    let name = format::cut(view.state.group_name(group), 30);
    let row = rows.iter().find(|r| r.group == group);
    let (title, about) = match (region, row, maps.first(), view.state.query()) {
        (Some(region), Some(row), Some(first), Some(query)) => {
            let size = [query.image.shape.width, query.image.shape.height];
            let at = brush::words(region, first.map.cells, size);
            (format!("In this region: {at}"), format!("{}. Esc: whole image", share(row, &name)))
        }
        (_, Some(row), ..) => {
            let digits = format::decimals(row.whole);
            let about = format!(
                "{name}: {} nats. Drag over the image to ask about a part of it",
                format::signed(row.whole, digits)
            );
            ("Whole image".to_owned(), about)
        }
        _ => ("Whole image".to_owned(), format!("{name} is not mapped yet")),
    };
    ui.add(Label::new(RichText::new(title).font(theme::lead()).color(t.strong)).truncate());
    ui.add(Label::new(RichText::new(about).font(theme::caption()).color(t.weak)).truncate());
}

/// How much of a group's score a region holds. Regions of the other sign have no share of it.
fn share(row: &Ranked, name: &str) -> String {
    let digits = format::decimals(row.whole);
    let (here, whole) = (row.here.estimate.score, row.whole);
    let of = format!("{} of {} nats of {name}", format::signed(here, digits), format::signed(whole, digits));
    if whole != 0.0 && here / whole >= 0.0 { format!("{of}, {:.0} % of its score", 100.0 * here / whole) } else { of }
}

fn line(ui: &mut Ui, view: &mut View<'_>, row: &Ranked, scale: &Scale, group: usize) {
    let name = view.state.group_name(row.group);
    let score = format::signed(row.here.estimate.score, scale.decimals);
    let (low, high) = row.here.estimate.interval_95();
    let interval = format!("{} to {}", format::signed(low, scale.decimals), format::signed(high, scale.decimals));
    let label = format!("{name}: {score} nats here, 95 % interval {interval}");
    let shown = Bar {
        group: row.group,
        name,
        estimate: row.here.estimate,
        tied: false,
        hollow: false,
        dimmed: false,
        warned: false,
        selected: row.group == group,
        busy: None,
        label: &label,
    };
    let response = bar(ui, &shown, scale);
    if response.clicked() {
        view.out.push(Command::SelectGroup(Some(row.group)));
    }
    response.on_hover_ui(|ui| {
        ui.strong(name);
        ui.label(format!("{score} nats, 95 % interval {interval} nats"));
        ui.label(share(row, name));
    });
}
