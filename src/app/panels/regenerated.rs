//! The query image, alone or compared with its regeneration without the selected group.

use egui::{Button, Label, RichText, Ui, Vec2, vec2};

use super::View;
use super::evidence::{cost, named, request_button};
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::Query;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Named, Pair, TextureKey, compare, content, job_progress, modes, show_image};
use whence_jobs::{Evidence, Regenerated};

/// Height of the line below the image.
pub const LINE_HEIGHT: f32 = 32.0;

/// The regeneration without the selected group, where it exists.
fn regeneration<'a>(view: &View<'a>, query: &'a Query) -> Option<(usize, &'a Regenerated)> {
    let group = view.state.group?;
    Some((group, query.evidence.regenerated.get(&group)?))
}

/// The same by the retrained model, where there is one besides the unlearned one.
fn retrained(query: &Query, group: usize) -> Option<&Regenerated> {
    query.evidence.retrained.get(&group).filter(|image| image.is_done())
}

/// Draws the image, or both, in this space.
pub fn show(ui: &mut Ui, view: &mut View<'_>, query: &Query, space: Vec2) {
    let shape = query.image.shape;
    match regeneration(view, query) {
        Some((group, regenerated)) if regenerated.is_done() => {
            let reference = query.evidence.reference.as_ref().filter(|r| r.is_done());
            let first = match reference {
                Some(reference) => {
                    (TextureKey::Regenerated(content(&reference.pixels), true), reference.pixels.as_slice())
                }
                None => (TextureKey::Query(query.key), query.image.pixels.as_slice()),
            };
            let name = format::cut(view.state.group_name(group), 18);
            let original = if reference.is_some() { "Full model" } else { "Original" };
            let of = |image: &'_ Regenerated| TextureKey::Regenerated(content(&image.pixels), true);
            let retrained = retrained(query, group);
            // Two models without the group are told apart by how they were made.
            let unlearned_name = match retrained {
                Some(_) => "Unlearned".to_owned(),
                None => format!("Without {name}"),
            };
            let retrained_name = "Retrained".to_owned();
            let [unlearned, retrained] = [(Some(regenerated), &unlearned_name), (retrained, &retrained_name)]
                .map(|(image, name)| image.map(|i| Named { key: of(i), pixels: &i.pixels, name }));
            let (second, third) = match retrained {
                Some(retrained) if view.forms.appearance.retrained => (Some(retrained), unlearned),
                _ => (unlearned, retrained),
            };
            let Some(second) = second else { return };
            let names = [original, second.name];
            compare(
                ui,
                view.textures,
                &Pair { shape, first, second: (second.key, second.pixels), names, third },
                &mut view.forms.appearance.contrast,
                space,
            );
        }
        Some((group, regenerated)) => {
            let key = TextureKey::Regenerated(content(&regenerated.pixels), false);
            let texture = view.textures.get(ui.ctx(), key, shape, &regenerated.pixels);
            let name = view.state.group_name(group);
            show_image(ui, texture, shape, space, &format!("The image while it is regenerated without {name}"));
        }
        None => {
            let q = &query.image;
            let texture = view.textures.get(ui.ctx(), TextureKey::Query(query.key), shape, &q.pixels);
            show_image(ui, texture, shape, space, &format!("Query image {}", q.name));
        }
    }
}

/// The line below it: how the two are compared, the progress of the regeneration, or the button that starts it. It always
/// takes its height, so that nothing moves with the selection.
pub fn line(ui: &mut Ui, view: &mut View<'_>, query: &Query) {
    ui.allocate_ui(vec2(ui.available_width(), LINE_HEIGHT), |ui| {
        ui.set_min_height(LINE_HEIGHT);
        let Some(group) = view.state.group else { return };
        // A slide shows what there is, and offers work only where there is nothing to show.
        if view.shell.presenting && regeneration(view, query).is_none() && !query.evidence.regenerated.is_empty() {
            return;
        }
        let name = format::cut(view.state.group_name(group), 24);
        let job = view.state.running_evidence(Evidence::Regenerate, Some(group));
        match (regeneration(view, query), job) {
            (Some((_, regenerated)), _) if regenerated.is_done() => {
                ui.horizontal(|ui| {
                    modes(ui, &mut view.forms.appearance.contrast);
                    if retrained(query, group).is_some() {
                        models(ui, &mut view.forms.appearance.retrained);
                    }
                    if query.evidence.reference.is_some() {
                        let t = tokens(ui);
                        let text = RichText::new("no seed: half of the steps regenerated")
                            .font(theme::caption())
                            .color(t.weak);
                        ui.add(Label::new(text).truncate()).on_hover_text(NO_SEED_HINT);
                    }
                });
            }
            (Some((_, Regenerated { step, steps, .. })), Some(job)) => {
                job_progress(ui, job, &format!("Step {step} of {steps}"))
            }
            (_, Some(job)) => job_progress(ui, job, &format!("Regenerating without {name}")),
            // The next step once the image is explained.
            _ if view.state.explanation().is_some_and(|a| a.complete.is_some()) => next_step(ui, view, group, &name),
            _ => request_button(ui, view, &format!("Regenerate without {name}"), Evidence::Regenerate, Some(group)),
        }
    });
}

/// The choice of the model whose image is compared with the original.
fn models(ui: &mut Ui, retrained: &mut bool) {
    ui.separator();
    ui.spacing_mut().item_spacing.x = 2.0;
    ui.spacing_mut().button_padding.x = 7.0;
    for (value, name, hint) in [
        (false, "Unlearned", "The image by the model that unlearned the group: an approximation."),
        (true, "Retrained", "The image by a model that was trained again without the group: exact, and slow to make."),
    ] {
        let text = RichText::new(name).font(theme::caption());
        if ui.add(Button::selectable(*retrained == value, text)).on_hover_text(hint).clicked() {
            *retrained = value;
        }
    }
}

/// The primary button once the image is explained: the image without the selected group.
fn next_step(ui: &mut Ui, view: &mut View<'_>, group: usize, name: &str) {
    let t = tokens(ui);
    let ready = view.state.can_compute_evidence();
    let (text, cost) = (format!("Regenerate without {name}"), cost(view, Evidence::Regenerate, Some(group)));
    let (fill, ink) = if ready.is_ok() { (t.strong, t.window) } else { (t.control, t.weak) };
    let mut button = Button::new(RichText::new(crate::app::bidi::display(&text)).color(ink)).fill(fill).truncate();
    if let Some(cost) = &cost {
        button = button.right_text(RichText::new(cost).font(theme::caption()).color(ink));
    }
    let hint = "Generate the image from the same noise with the model without the group.";
    let size = vec2(ui.available_width(), LINE_HEIGHT);
    let response = ui.add_enabled_ui(ready.is_ok(), |ui| ui.add_sized(size, button)).inner;
    let response = response.accessible_name(named(&text, cost)).on_hover_text(hint);
    if response.on_disabled_hover_text(ready.err().unwrap_or(hint)).clicked() {
        view.out.push(Command::ComputeEvidence(Evidence::Regenerate, Some(group)));
    }
}

/// Tooltip for images whose seed is not known.
const NO_SEED_HINT: &str = "The seed of this image is not known. Noise was added up to half of the timesteps, and both models denoised the same noisy image.";
