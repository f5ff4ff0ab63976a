//! The groups ranked by the score of the selected region, and the contributions by timestep.

use std::sync::Arc;

use egui::{Label, RichText, ScrollArea, Ui, vec2};

use super::sums::{self, RegionScore};
use super::timeline::{Line, timeline};
use super::{GroupMap, brush};
use crate::app::actions::Command;
use crate::app::panels::View;
use crate::app::panels::score::{OVERSHOOTS, beside, counterfactuals_of};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::{Bar, Scale, bar, header};
use crate::app::{bidi, format};
use whence_diffusion::elbo::Region;
use whence_methods::CounterfactualKind;

/// Height of a row, and of the line above them.
const ROW: f32 = 34.0;
const HEADER: f32 = 24.0;

/// A group in the ranking.
struct Ranked {
    group: usize,
    /// The score of the region.
    region: Arc<RegionScore>,
    /// The score of the whole image.
    image_score: f64,
}

/// Caption of the scores. The ranking may have been evaluated at more evaluation points than the map, or at others.
fn caption(view: &View<'_>, maps: &[GroupMap<'_>]) -> String {
    let rows = || view.state.explanation().into_iter().flat_map(|a| &a.ranking.rows);
    let own = |m: &GroupMap<'_>| {
        let evaluated = rows().find(|r| r.group == Some(m.group)).map(|r| r.evaluations);
        evaluated.is_none_or(|evaluated| evaluated == 0 || evaluated == m.map.points.len())
    };
    match maps.iter().find(|m| !own(m)) {
        Some(m) => format!(
            "Score in this region, from {} other than the ranking's, 95% confidence intervals",
            format::plural(m.map.points.len(), "evaluation")
        ),
        None => "Score in this region, 95% confidence intervals".into(),
    }
}

/// Draws the ranking of a region, or of the whole image, and the curve of `group`.
pub fn show(ui: &mut Ui, view: &mut View<'_>, maps: &[GroupMap<'_>], group: usize, region: Option<Region>) {
    let mut rows: Vec<Ranked> = maps.iter().map(|m| ranked(ui, m, region)).collect();
    rows.sort_by(|a, b| b.region.estimate.score.total_cmp(&a.region.estimate.score));
    heading(ui, view, maps, &rows, group, region);
    ui.add_space(4.0);
    // The curve takes the remaining height below the rows, at most half.
    let room = ui.available_height() - GAP;
    let plot = (room - HEADER - ROW * rows.len() as f32).min(room * 0.5).max(room * 0.34).clamp(100.0, 360.0);
    let height = (room - plot).max(80.0);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let head = header(ui, &caption(view, maps), "nats");
        let unlearned = view
            .state
            .explanation()
            .is_none_or(|a| counterfactuals_of(&a.method) == Some(CounterfactualKind::Unlearned));
        if unlearned {
            head.on_hover_text(OVERSHOOTS);
        }
        let scale = Scale::of(rows.iter().map(|r| &r.region.estimate));
        let list = ScrollArea::vertical().id_salt("region").max_height(height - HEADER).auto_shrink([false, false]);
        list.show(ui, |ui| {
            for row in &rows {
                line(ui, view, row, &scale, group);
            }
        });
    });
    ui.add_space(GAP - ui.spacing().item_spacing.y);
    let (mut own, mut others) = (None, Vec::new());
    for row in &rows {
        let line = Line { group: row.group, points: &row.region.by_timestep };
        if row.group == group {
            own = Some(line);
        } else {
            others.push(line);
        }
    }
    if let Some(own) = own {
        let timesteps = view.state.model.as_ref().map_or(1000, |m| m.timesteps);
        timeline(ui, vec2(ui.available_width(), plot), view.state.group_name(group), timesteps, &own, &others);
    }
}

fn ranked(ui: &Ui, group_map: &GroupMap<'_>, region: Option<Region>) -> Ranked {
    let image = sums::region_score(ui, group_map.map, group_map.map.everywhere());
    let region = region.map_or_else(|| Arc::clone(&image), |region| sums::region_score(ui, group_map.map, region));
    Ranked { group: group_map.group, region, image_score: image.estimate.score }
}

/// The selected region, and its share of the group's score.
fn heading(ui: &mut Ui, view: &View<'_>, maps: &[GroupMap<'_>], rows: &[Ranked], group: usize, region: Option<Region>) {
    let t = tokens(ui);
    let name = format::cut(view.state.group_name(group), 30);
    let row = rows.iter().find(|r| r.group == group);
    let (title, about) = match (region, row, maps.first(), view.state.query()) {
        (Some(region), Some(row), Some(first), Some(query)) => {
            let size = [query.image.shape.width, query.image.shape.height];
            let at = brush::describe(region, first.map.cells, size);
            (format!("Selection: {at}"), format!("{}. Press Esc to select the whole image.", share(row, &name)))
        }
        (_, Some(row), ..) => {
            let digits = format::decimals(row.image_score);
            let about = format!(
                "{name}: {} nats. Drag a rectangle over the image to score part of it.",
                format::signed(row.image_score, digits)
            );
            ("Whole image".to_owned(), about)
        }
        _ => ("Whole image".to_owned(), format!("{name} is not mapped yet.")),
    };
    ui.add(Label::new(RichText::new(title).font(theme::lead()).color(t.strong)).truncate());
    ui.add(Label::new(RichText::new(about).font(theme::caption()).color(t.weak)).truncate());
}

/// The share of a group's score that comes from a region; no percentage where the signs differ.
fn share(row: &Ranked, name: &str) -> String {
    let digits = format::decimals(row.image_score);
    let (region, image) = (row.region.estimate.score, row.image_score);
    let of = format!("{} of {} nats of {name}", format::signed(region, digits), format::signed(image, digits));
    if image != 0.0 && region / image >= 0.0 {
        format!("{of}, {:.0}% of its score", 100.0 * region / image)
    } else {
        of
    }
}

fn line(ui: &mut Ui, view: &mut View<'_>, row: &Ranked, scale: &Scale, group: usize) {
    let name = view.state.group_name(row.group);
    let score = format::signed(row.region.estimate.score, scale.decimals);
    let (low, high) = row.region.estimate.interval_95();
    let interval = format!("{} to {}", format::signed(low, scale.decimals), format::signed(high, scale.decimals));
    let label = format!("{name}: {score} nats in this region, 95% confidence interval {interval}");
    let shown = Bar {
        group: row.group,
        name,
        estimate: row.region.estimate,
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
    beside(ui, &response, |ui| {
        ui.set_max_width(300.0);
        ui.strong(bidi::display(name));
        ui.label(format!("{score} nats, 95% confidence interval {interval} nats"));
        ui.label(share(row, name));
    });
}
