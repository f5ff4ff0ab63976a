//! The image asked about, alone or set against itself drawn again without the selected group.

use egui::{Label, RichText, Ui, Vec2, vec2};

use super::View;
use super::evidence::ask;
use crate::app::format;
use crate::app::state::Query;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Pair, TextureKey, compare, content, modes, show_image, work};
use whence_jobs::{Evidence, Regenerated};

/// Height of the line below the image.
pub const LINE: f32 = 32.0;

/// The image drawn again without the selected group, where it is.
fn without<'a>(view: &View<'a>, query: &'a Query) -> Option<(usize, &'a Regenerated)> {
    let group = view.state.group?;
    Some((group, query.found.redrawn.get(&group)?))
}

/// Draws the image in this space.
pub fn show(ui: &mut Ui, view: &mut View<'_>, query: &Query, space: Vec2) {
    let shape = query.image.shape;
    match without(view, query) {
        Some((group, drawn)) if drawn.is_done() => {
            let reference = query.found.reference.as_ref().filter(|r| r.is_done());
            let first = match reference {
                Some(reference) => {
                    (TextureKey::Regenerated(content(&reference.pixels), true), reference.pixels.as_slice())
                }
                None => (TextureKey::Query(query.key), query.image.pixels.as_slice()),
            };
            let second = (TextureKey::Regenerated(content(&drawn.pixels), true), drawn.pixels.as_slice());
            let without = format!("without {}", format::cut(view.state.group_name(group), 18));
            let names = [if reference.is_some() { "full model" } else { "original" }, &without];
            compare(ui, view.textures, &Pair { shape, first, second, names }, &mut view.forms.looks.contrast, space);
        }
        Some((group, drawn)) => {
            let key = TextureKey::Regenerated(content(&drawn.pixels), false);
            let texture = view.textures.get(ui.ctx(), key, shape, &drawn.pixels);
            let name = view.state.group_name(group);
            show_image(ui, texture, shape, space, &format!("The image as it is being drawn without {name}"));
        }
        None => {
            let q = &query.image;
            let texture = view.textures.get(ui.ctx(), TextureKey::Query(query.key), shape, &q.pixels);
            show_image(ui, texture, shape, space, &format!("The image asked about: {}", q.name));
        }
    }
}

/// The line below it: how the two are compared, how far the drawing is, or the button that draws it. Takes its height
/// always, so that nothing moves with the selection.
pub fn line(ui: &mut Ui, view: &mut View<'_>, query: &Query) {
    ui.allocate_ui(vec2(ui.available_width(), LINE), |ui| {
        ui.set_min_height(LINE);
        let Some(group) = view.state.group else { return };
        let name = format::cut(view.state.group_name(group), 24);
        let job = view.state.looking(Evidence::Regenerate, Some(group));
        match (without(view, query), job) {
            (Some((_, drawn)), _) if drawn.is_done() => {
                ui.horizontal(|ui| {
                    modes(ui, &mut view.forms.looks.contrast);
                    if query.found.reference.is_some() {
                        let t = tokens(ui);
                        let text = RichText::new("no seed is known: half way").font(theme::caption()).color(t.weak);
                        ui.add(Label::new(text).truncate()).on_hover_text(FROM_A_FILE);
                    }
                });
            }
            (Some((_, Regenerated { step, steps, .. })), Some(job)) => {
                work(ui, job, &format!("Step {step} of {steps}"))
            }
            (_, Some(job)) => work(ui, job, &format!("Drawing it without {name}")),
            _ => ask(ui, view, &format!("Draw it again without {name}"), Evidence::Regenerate, Some(group)),
        }
    });
}

/// Images from files have no seed.
const FROM_A_FILE: &str =
    "No seed is known of this image: both models drew it again from the same noise, added to it up to half way";
