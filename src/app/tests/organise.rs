//! Ratings, notes, filters, pairs of images and workspaces, through their accessible names.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use super::library::{opened, settle};
use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::library::{PairImage, Rejects};
use crate::app::panels::PanelId;
use crate::app::state::{Rating, Subject};

fn press(scene: &mut Scene, modifiers: Modifiers, key: Key) {
    scene.window.key_press_modifiers(modifiers, key);
    settle(scene);
}

fn command(scene: &mut Scene, command: Command) {
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, command);
    settle(scene);
}

fn click(scene: &mut Scene, label: &str) {
    scene.window.get_by_label(label).click();
    settle(scene);
}

fn name(scene: &Scene, image: usize) -> String {
    scene.app().state.dataset.as_ref().unwrap().image_name(image).to_owned()
}

/// Types into a field.
fn write(scene: &mut Scene, field: &str, text: &str) {
    scene.window.get_by_label(field).focus();
    scene.window.run();
    scene.window.get_by_label(field).type_text(text);
    settle(scene);
}

/// The library with a selected image.
fn selected(image: usize) -> Scene {
    let mut scene = opened(Scene::loaded());
    command(&mut scene, Command::SelectImage(Some(image)));
    scene
}

#[test]
fn keys_rate_the_query_on_screen_and_undo_takes_it_back() {
    let mut scene = Scene::loaded();
    press(&mut scene, Modifiers::COMMAND, Key::Num3);
    scene.window.get_by_role_and_label(Role::ListBoxOption, "seed-7, 3 stars");
    press(&mut scene, Modifiers::NONE, Key::X);
    scene.window.get_by_role_and_label(Role::ListBoxOption, "seed-7, 3 stars, rejected");
    press(&mut scene, Modifiers::COMMAND, Key::Num3);
    scene.window.get_by_role_and_label(Role::ListBoxOption, "seed-7, rejected");
    press(&mut scene, Modifiers::COMMAND, Key::Z);
    scene.window.get_by_role_and_label(Role::ListBoxOption, "seed-7, 3 stars, rejected");
    assert!(scene.app().dock.shown().contains(&PanelId::Ranking), "Ctrl and a digit is no tab");
}

#[test]
fn keys_rate_the_training_image_that_is_selected_in_the_library() {
    let mut scene = selected(5);
    press(&mut scene, Modifiers::COMMAND, Key::Num4);
    let image = name(&scene, 5);
    assert_eq!(scene.app().state.annotations.rating(&image), Rating { stars: 4, rejected: false });
    assert!(scene.app().state.queries.iter().all(|q| q.rating == Rating::default()));
    scene.window.get_by_label("4 stars");
    press(&mut scene, Modifiers::COMMAND, Key::Z);
    assert_eq!(scene.app().state.annotations.rating(&image), Rating::default());
    press(&mut scene, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(scene.app().state.annotations.rating(&image).stars, 4);
}

#[test]
fn the_library_is_filtered_by_rating_and_follows_a_change() {
    let mut scene = selected(5);
    press(&mut scene, Modifiers::COMMAND, Key::Num4);
    let other = Subject::Image(name(&scene, 200));
    command(&mut scene, Command::Rate(other, Rating { stars: 2, rejected: true }));
    click(&mut scene, "Ratings of training images to show");
    click(&mut scene, "2 stars or more");
    scene.window.get_by_label("Grid of 2 training images");
    click(&mut scene, "Without rejected");
    scene.window.get_by_label("Grid of 1 training image");
    press(&mut scene, Modifiers::NONE, Key::Escape);
    let third = Subject::Image(name(&scene, 300));
    command(&mut scene, Command::Rate(third, Rating { stars: 5, rejected: false }));
    scene.window.get_by_label("Grid of 2 training images");
    assert_eq!(scene.app().library.options.filter.ratings.rejects, Rejects::Hidden);
}

#[test]
fn the_query_list_is_filtered_by_rating() {
    let mut scene = Scene::loaded();
    assert!(scene.window.query_by_label("Ratings of query images to show").is_none(), "nothing is rated");
    press(&mut scene, Modifiers::COMMAND, Key::Num5);
    click(&mut scene, "Ratings of query images to show");
    click(&mut scene, "4 stars or more");
    press(&mut scene, Modifiers::NONE, Key::Escape);
    scene.window.get_by_label("1 of 6");
    assert!(scene.window.query_by_role_and_label(Role::ListBoxOption, "seed-12").is_none());
}

#[test]
fn several_groups_are_shown_at_once() {
    let mut scene = opened(Scene::loaded());
    let groups = scene.app().state.groups().to_vec();
    click(&mut scene, "Groups to show: All groups");
    click(&mut scene, &format!("Only {}", groups[2]));
    scene.window.get_by_label("Grid of 120 training images");
    click(&mut scene, &format!("Show {}", groups[5]));
    scene.window.get_by_label("Grid of 240 training images");
    click(&mut scene, &format!("Show {}", groups[2]));
    assert_eq!(scene.app().library.options.filter.groups, [5].into());
    click(&mut scene, "All");
    scene.window.get_by_label("Grid of 960 training images");
}

#[test]
fn sixty_groups_are_searched() {
    let mut scene = opened(Scene::many(60));
    click(&mut scene, "Groups to show: All groups");
    write(&mut scene, "Search groups", "003");
    click(&mut scene, "Only these");
    assert_eq!(scene.app().library.options.filter.groups, [3, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39].into());
}

#[test]
fn a_filter_is_saved_under_a_name_used_and_deleted() {
    let mut scene = opened(Scene::loaded());
    scene.window.state_mut().library.options.filter.groups = [1, 4].into();
    settle(&mut scene);
    click(&mut scene, "Filters");
    click(&mut scene, "Save this filter…");
    scene.window.get_by_label("Name of the filter").type_text("two styles");
    scene.window.run();
    press(&mut scene, Modifiers::NONE, Key::Enter);
    assert_eq!(scene.app().state.annotations.filters.len(), 1);
    click(&mut scene, "Filters");
    click(&mut scene, "Clear all filters");
    scene.window.get_by_label("Grid of 960 training images");
    click(&mut scene, "Filters");
    click(&mut scene, "two styles");
    scene.window.get_by_label("Grid of 240 training images");
    assert_eq!(scene.app().library.options.filter.groups, [1, 4].into());
    click(&mut scene, "Filters");
    click(&mut scene, "Delete filter two styles");
    assert!(scene.app().state.annotations.filters.is_empty());
}

#[test]
fn notes_are_written_on_groups_queries_and_training_images() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().state.group = Some(0);
    scene.settle();
    let group = scene.app().state.group_name(0).to_owned();
    write(&mut scene, &format!("Note on {group}"), "thick lines");
    write(&mut scene, "Note on seed-7", "the best one");
    scene.act(Action::ShowPanel(PanelId::Library));
    command(&mut scene, Command::SelectImage(Some(7)));
    scene.window.state_mut().library.loupe = true;
    settle(&mut scene);
    let image = name(&scene, 7);
    write(&mut scene, &format!("Note on {image}"), "a ship");
    let state = &scene.app().state;
    assert_eq!(state.annotations.group_notes.get(&group).map(String::as_str), Some("thick lines"));
    assert_eq!(state.annotations.image_notes.get(&image).map(String::as_str), Some("a ship"));
    assert_eq!(state.query().map(|q| q.note.as_str()), Some("the best one"));
}

#[test]
fn two_training_images_are_compared_with_one_zoom() {
    let mut scene = selected(3);
    command(&mut scene, Command::SelectImage(Some(8)));
    press(&mut scene, Modifiers::NONE, Key::C);
    let [left, right] = [name(&scene, 3), name(&scene, 8)];
    scene.window.get_by_label(&format!("Left of the pair: {left}"));
    scene.window.get_by_label(&format!("Right of the pair: {right}"));
    click(&mut scene, "100%");
    assert_eq!(scene.app().library.pair.unwrap().view.zoom, Some(1.0));
    click(&mut scene, "Fit");
    assert_eq!(scene.app().library.pair.unwrap().view.zoom, None);
    press(&mut scene, Modifiers::NONE, Key::ArrowRight);
    let order = scene.app().library.arrangement(scene.app().state.dataset_id).unwrap().0.order.clone();
    let place = order.iter().position(|i| *i == 8).unwrap();
    assert_eq!(scene.app().library.pair.unwrap().images[1], PairImage::Training(order[place + 1] as usize));
    click(&mut scene, "Query image at the left");
    scene.window.get_by_label("Left of the pair: seed-7");
    click(&mut scene, "Swap");
    scene.window.get_by_label("Right of the pair: seed-7");
    press(&mut scene, Modifiers::NONE, Key::Escape);
    assert!(scene.app().library.pair.is_none());
    scene.window.get_by_label("Grid of 960 training images");
}

#[test]
fn dragging_moves_both_images_of_a_pair() {
    let mut scene = selected(3);
    press(&mut scene, Modifiers::NONE, Key::C);
    let left = scene.window.get_by_label("Left of the pair: seed-7").rect().center();
    let button = |pos, pressed| egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    scene.window.input_mut().events.extend([egui::Event::PointerMoved(left), button(left, true)]);
    scene.window.run();
    let end = left + egui::vec2(40.0, 0.0);
    scene.window.input_mut().events.push(egui::Event::PointerMoved(end));
    scene.window.run();
    scene.window.input_mut().events.push(button(end, false));
    settle(&mut scene);
    let view = scene.app().library.pair.unwrap().view;
    assert!(view.middle[0] < 0.5 && view.zoom.is_some(), "{view:?}");
}

#[test]
fn a_layout_is_saved_as_a_workspace_and_undone() {
    let mut scene = Scene::loaded();
    let before = scene.app().dock.layout();
    let moved = |scene: &mut Scene| {
        let tiles = &scene.app().dock.tree.tiles;
        let (library, explain) =
            (tiles.find_pane(&PanelId::Library).unwrap(), tiles.find_pane(&PanelId::Image).unwrap());
        let target = tiles.parent_of(explain).unwrap();
        let ctx = scene.window.ctx.clone();
        let app = scene.window.state_mut();
        app.shell.history.follow(app.snapshot());
        app.dock.tree.move_tile_to_container(library, target, 0, false);
        app.shell.history.record(app.snapshot());
        ctx.request_repaint();
        scene.settle();
    };
    moved(&mut scene);
    let beside = scene.app().dock.layout();
    assert_ne!(beside, before);
    scene.act(Action::SaveWorkspace);
    scene.settle();
    scene.window.get_by_label("Name of the workspace").type_text("side by side");
    scene.window.run();
    press(&mut scene, Modifiers::NONE, Key::Enter);
    press(&mut scene, Modifiers::COMMAND, Key::Z);
    scene.window.get_by_role_and_label(Role::Alert, "Undid layout");
    assert_eq!(scene.app().dock.layout(), before);
    press(&mut scene, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(scene.app().dock.layout(), beside);
    scene.act(Action::ResetLayout);
    assert_eq!(scene.app().dock.layout(), before);
    scene.window.get_by_label("Whence").click();
    scene.settle();
    click(&mut scene, "View and select");
    click(&mut scene, "Workspaces");
    click(&mut scene, "side by side");
    assert_eq!(scene.app().dock.layout(), beside);
    command(&mut scene, Command::DeleteWorkspace("side by side".into()));
    assert!(scene.app().shell.workspaces.is_empty());
}

#[test]
fn unusable_workspaces_are_left_out() {
    let mut shell = crate::app::shell::Shell::default();
    let layout = crate::app::dock::Dock::default().write().unwrap();
    let saved = serde_json::json!([
        {"name": "good", "layout": layout}, {"name": "broken", "layout": "{}"}, {"name": " ", "layout": layout},
    ]);
    shell.restore_workspaces(&saved.to_string());
    assert_eq!(shell.workspaces.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(), ["good"]);
    shell.restore_workspaces("no list");
    assert_eq!(shell.workspaces.len(), 1);
}
