//! What goes into the window's report and into its comparison of methods.

use egui_kittest::kittest::Queryable as _;

use super::bench;
use super::scenes::Scene;
use crate::app::actions::Command;
use crate::app::export::{Table, What};
use whence_jobs::{EventKind, Regenerated};
use whence_methods::{Attribution, GroupScore};

/// Saves by the dialog and gives the file's text.
fn saved(scene: &mut Scene, what: What, table: Table) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let draft = &mut scene.window.state_mut().forms.export;
    (draft.open, draft.what, draft.table, draft.path) = (true, what, table, path.display().to_string());
    scene.settle();
    scene.window.get_by_label("Save").click();
    scene.window.run();
    scene.settle_until(|scene| !scene.app().forms.export.busy);
    assert_eq!(scene.app().forms.export.error, None);
    std::fs::read_to_string(&path).unwrap()
}

fn found(scene: &mut Scene, kind: EventKind) {
    bench::found(&mut scene.window.state_mut().state, kind);
}

/// Explains the image on screen by the closed form too.
fn explained_twice() -> Scene {
    let mut scene = Scene::done();
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, Command::ExplainBy("gaussian"));
    let scores = vec![GroupScore::exact("mosaic", 2.5), GroupScore::exact("pointillism", 1.0)];
    scene.tell(EventKind::Attributed(vec![Attribution::new("seed-7", "gaussian", scores)]));
    scene.tell(EventKind::Finished("done".into()));
    scene
}

/// An image drawn again without a group, and the same half done without another.
fn redrawn(scene: &mut Scene) {
    let pixels = bench::regenerated(&scene.app().state, 50).pixels;
    for (group, step) in [(4, 50), (0, 50), (6, 20)] {
        let image = Regenerated { step, steps: 50, pixels: pixels.clone() };
        found(scene, EventKind::Regenerated { group: Some(group), image });
    }
}

#[test]
fn redrawings_and_the_leaders_map_are_in_the_report() {
    let mut scene = Scene::done();
    redrawn(&mut scene);
    for (group, map) in bench::maps(&scene.app().state, 5).iter().enumerate() {
        found(&mut scene, EventKind::Mapped { group, map: Box::new((**map).clone()) });
    }
    let html = saved(&mut scene, What::Report, Table::default());
    let groups = scene.app().state.groups().to_vec();
    let alt = |group: usize| format!("The image drawn again without {}", groups[group]);
    let places: Vec<usize> = [4, 0].into_iter().map(|group| html.find(&alt(group)).expect("it is there")).collect();
    assert!(places[0] < places[1], "in the order of the ranking");
    assert!(!html.contains(&alt(6)), "half an image is nothing to compare with");
    assert!(html.contains("From the same noise as the original") && !html.contains("by the full model"));
    let change = scene.app().state.query().unwrap();
    let change = 100.0 * change.found.change(&change.image.pixels, 4).unwrap();
    assert!(html.contains(&format!("values differ by {change:.1} % of their range")));
    assert_eq!(html.matches("Map of the score over the image").count(), 1);
    assert!(html.contains("pointillism: warm where the image is less likely without it"));
}

#[test]
fn a_image_without_a_seed_is_compared_with_the_full_models_own() {
    let mut scene = Scene::done();
    redrawn(&mut scene);
    let image = bench::regenerated(&scene.app().state, 50);
    found(&mut scene, EventKind::Regenerated { group: None, image });
    let html = saved(&mut scene, What::Report, Table::default());
    assert!(html.contains("No seed is known of this image") && html.contains("drawn again by the full model"));
    assert!(html.contains("values differ by 0.0 %"), "the same as the reference");
}

#[test]
fn each_answer_has_its_part_and_its_settings_in_the_report() {
    let mut scene = explained_twice();
    redrawn(&mut scene);
    let html = saved(&mut scene, What::Report, Table::default());
    let (second, first) = (html.find("seed-7, by gaussian").unwrap(), html.find("seed-7, by guda").unwrap());
    assert!(second < first, "the one on screen comes first");
    assert!(html.contains("shaped this image,"), "two parts, one image");
    assert_eq!(html.matches("Drawn again without a group").count(), 1);
    assert_eq!(html.matches("whence report /projects/demo").count(), 2);
    assert!(html.contains("--method gaussian"));
}

#[test]
fn methods_are_compared_in_a_table_where_there_are_two() {
    let mut scene = Scene::done();
    let draft = &mut scene.window.state_mut().forms.export;
    (draft.open, draft.what) = (true, What::Table);
    scene.settle();
    assert!(scene.window.query_by_label("Comparison of methods").is_none(), "one answer is no comparison");
    scene.window.state_mut().forms.export.table = Table::Comparison;
    scene.settle();
    scene.window.get_by_label_contains("explained by one method only");

    let mut scene = explained_twice();
    let draft = &mut scene.window.state_mut().forms.export;
    (draft.open, draft.what) = (true, What::Table);
    scene.settle();
    scene.window.get_by_label("Comparison of methods").click();
    let csv = saved(&mut scene, What::Table, Table::Comparison);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines[0], lines[1], lines.len()), ("group,guda,gaussian", "pointillism,41.2,1", 9));
    assert!(lines.iter().any(|l| l.starts_with("mosaic,") && l.ends_with(",2.5")), "{csv}");
    assert!(lines.iter().any(|l| l.starts_with("woodcut,") && l.ends_with(',')), "not scored by the second");
}
