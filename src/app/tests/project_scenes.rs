//! Screenshots of the welcome screen and of the dialogs about projects.

use std::path::Path;

use egui_kittest::kittest::Queryable as _;

use super::projects::{command, fixture, form_is_read, step_until};
use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::files::PathKind;
use crate::app::forms::CostEstimate;
use crate::app::projects::OpenChoice;
use whence_jobs::JobEstimate;
use whence_store::ReadOnly;

/// States of the window by name, as [`super::screenshots`] takes them.
pub const STATES: [(&str, super::screenshots::Prepare); 9] = [
    ("own-1-welcome", welcome),
    ("own-2-new", |scene| {
        welcome(scene);
        command(scene, Command::Act(Action::NewProject));
    }),
    ("own-3-found", found),
    ("own-4-wrong", |scene| {
        welcome(scene);
        command(scene, Command::Act(Action::NewProject));
        let form = &mut scene.window.state_mut().forms.new_project;
        form.set_part(PathKind::Model, &fixture("digits/images"));
        form.set_part(PathKind::Dataset, Path::new("/images/gone"));
        step_until(scene, form_is_read);
    }),
    ("own-5-classes", |scene| {
        found(scene);
        let form = &mut scene.window.state_mut().forms.new_project;
        if let Some(Ok(model)) = &mut form.inspection.model {
            model.classes = Some(12);
        }
        form.classes.insert("two".into(), 2);
    }),
    ("own-6-choice", |scene| {
        scene.load(None);
        command(scene, Command::OpenAs(PathKind::Model, "/models/cifar10-ddpm".into()));
    }),
    ("own-7-loose", |scene| {
        scene.load(None);
        let images = (0..3).map(|i| format!("/images/{i}.png").into()).collect();
        scene.window.state_mut().forms.choice = Some(OpenChoice::Loose { folder: "/images/found".into(), images });
    }),
    ("own-8-copy", |scene| {
        scene.load(None);
        scene.act(Action::SaveProjectAs);
    }),
    ("own-9-read-only", |scene| {
        scene.load(None);
        scene.window.state_mut().state.read_only = Some(ReadOnly::OpenElsewhere);
        scene.settle();
        scene.window.get_by_label("Read-only").click();
    }),
];

fn welcome(scene: &mut Scene) {
    let shell = &mut scene.window.state_mut().shell;
    for (path, name) in [
        ("/home/someone/Whence/Portraits by forty painters of the nineteenth century", "Portraits by forty painters"),
        ("/mnt/disk/digits", "Digits"),
        ("/home/someone/.local/share/whence/demo-0123456789ab", "Eight styles"),
    ] {
        shell.add_recent(Path::new(path), name);
    }
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().show_welcome(&ctx);
    scene.settle_until(|scene| !scene.app().shell.gone.is_empty());
    scene.window.state_mut().shell.gone.truncate(1);
}

fn found(scene: &mut Scene) {
    welcome(scene);
    command(scene, Command::Act(Action::NewProject));
    let form = &mut scene.window.state_mut().forms.new_project;
    form.set_part(PathKind::Model, &fixture("digits/model"));
    form.set_part(PathKind::Dataset, &fixture("digits/images"));
    step_until(scene, |scene| form_is_read(scene) && scene.app().forms.new_project.data_facts().is_some());
    let cost = JobEstimate { models: 10, evaluations: 9000, seconds: 42.0, peak_bytes: Some(310 << 20) };
    scene.window.state_mut().forms.new_project.cost = CostEstimate::Known(cost);
}
