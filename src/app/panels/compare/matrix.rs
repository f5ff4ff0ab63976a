//! How far each two methods agree over all images, as a table.

use std::sync::Arc;

use egui::{Align2, Id, Rect, RichText, Sense, Ui, WidgetInfo, pos2, vec2};

use super::correlation;
use crate::app::agreement::{Agreement, Matrix, matrix};
use crate::app::format;
use crate::app::panels::View;
use crate::app::panels::score::method_title;
use crate::app::state::{Query, State};
use crate::app::theme::{self, tokens};
use crate::app::widgets::elided;
use whence_jobs::JobId;

/// Width of the names of the rows, and of a cell.
const NAMES: f32 = 230.0;
const CELL: f32 = 170.0;
const ROW: f32 = 40.0;

/// What a table was made from: the complete explanations of each image, and the selected one.
type Source = Vec<(u64, Option<JobId>, Vec<JobId>)>;

/// The table, made again only where a result is new, removed or selected.
fn remembered(ui: &Ui, state: &State) -> Arc<Matrix> {
    let complete = |query: &Query| {
        let jobs = query.explanations.iter().filter(|a| a.complete.is_some()).map(|a| a.job).collect();
        (query.key, query.selected, jobs)
    };
    let source: Source = state.queries.iter().map(complete).collect();
    let id = Id::unique("agreement of methods");
    let known: Option<(Source, Arc<Matrix>)> = ui.data(|data| data.get_temp(id));
    match known.filter(|(of, _)| *of == source) {
        Some((_, known)) => known,
        None => {
            let made = Arc::new(matrix(&state.queries));
            ui.data_mut(|data| data.insert_temp(id, (source, Arc::clone(&made))));
            made
        }
    }
}

/// Draws the table where at least two methods explained an image.
pub fn show(ui: &mut Ui, view: &View<'_>) {
    let t = tokens(ui);
    let table = remembered(ui, view.state);
    if table.methods.len() < 2 {
        return;
    }
    ui.add_space(16.0);
    ui.label(RichText::new("Agreement of methods over all images").color(t.strong)).on_hover_text(
        "Mean of Spearman's rank correlation ρ, share of the images whose first group is the same (Top-1), and number of \
         images that both methods explained.",
    );
    let width = NAMES + table.methods.len() as f32 * CELL;
    let (head, _) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
    for (i, method) in table.methods.iter().enumerate() {
        let left = head.left() + NAMES + i as f32 * CELL;
        let title = elided(ui.painter(), &method_title(method), theme::caption(), t.text, CELL - 12.0);
        ui.painter().galley(pos2(left, head.center().y - title.size().y / 2.0), title, t.text);
    }
    for (method, cells) in table.methods.iter().zip(&table.cells) {
        let (row, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::hover());
        let title = elided(ui.painter(), &method_title(method), theme::body(), t.text, NAMES - 12.0);
        ui.painter().galley(pos2(row.left(), row.center().y - title.size().y / 2.0), title, t.text);
        let mut words = vec![format!("Agreement of {}", method_title(method))];
        for (i, (other, cell)) in table.methods.iter().zip(cells).enumerate() {
            if other == method {
                continue;
            }
            let left = row.left() + NAMES + i as f32 * CELL;
            let place = Rect::from_min_size(pos2(left, row.top()), vec2(CELL, ROW));
            let (above, below) = texts(cell.as_ref());
            ui.painter().text(place.left_center(), Align2::LEFT_BOTTOM, &above, theme::body(), t.strong);
            ui.painter().text(place.left_center(), Align2::LEFT_TOP, &below, theme::caption(), t.weak);
            words.push(format!("with {}: {above}, {below}", method_title(other)));
        }
        response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, words.join(", ")));
    }
}

/// A cell's two lines.
fn texts(agreement: Option<&Agreement>) -> (String, String) {
    let Some(agreement) = agreement else { return ("–".into(), "no image in common".into()) };
    let rho = agreement.spearman.map_or_else(|| "not defined".to_owned(), correlation);
    let below = format!("Top-1 {:.0}%, {}", 100.0 * agreement.top1, format::plural(agreement.images, "image"));
    (format!("ρ = {rho}"), below)
}
