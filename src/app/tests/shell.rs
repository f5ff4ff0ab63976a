//! The window around the panels: tabs, palette, messages, log, undo, presentation, what is kept.

use std::collections::HashMap;
use std::time::Duration;

use egui::accesskit::Role;
use egui::{Key, Modifiers, pos2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::actions::{Action, Command, Section};
use crate::app::panels::PanelId;
use crate::app::theme::Choice;
use whence_jobs::{EventKind, JobSpec};

fn tab_is_front(scene: &Scene, name: &str) -> bool {
    scene.window.get_by_role_and_label(Role::Tab, name).accesskit_node().is_selected() == Some(true)
}

/// Drags the tab *Wall* to the right edge.
pub fn split(scene: &mut Scene) {
    let from = scene.window.get_by_role_and_label(Role::Tab, "Wall").rect().center();
    scene.window.drag_at(from);
    scene.window.run_steps(2);
    for to in [from + egui::vec2(20.0, 30.0), pos2(1100.0, 400.0), pos2(1240.0, 420.0), pos2(1250.0, 420.0)] {
        scene.window.hover_at(to);
        scene.window.run_steps(2);
    }
    scene.window.drop_at(pos2(1250.0, 420.0));
    scene.settle();
}

#[derive(Default)]
pub(super) struct Kept(HashMap<String, String>);

impl eframe::Storage for Kept {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }

    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }

    fn flush(&mut self) {}
}

#[test]
fn tabs_come_by_keys_and_by_clicks() {
    let mut scene = Scene::loaded();
    assert!(tab_is_front(&scene, "Explain"));
    scene.window.key_press(Key::Num3);
    scene.settle();
    assert!(tab_is_front(&scene, "Wall") && !tab_is_front(&scene, "Explain"));
    assert!(scene.window.query_by_label("Explain this image").is_none(), "only what is in front is drawn");
    scene.window.get_by_role_and_label(Role::Tab, "Compare").click();
    scene.settle();
    assert!(tab_is_front(&scene, "Compare"));
    scene.window.get_by_role_and_label(Role::Tab, "Explain").click_accesskit();
    scene.settle();
    scene.window.get_by_label("Explain this image");
    // Digits belong to the field that has the focus.
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::L);
    scene.settle();
    scene.window.key_press(Key::Num3);
    scene.settle();
    assert!(tab_is_front(&scene, "Explain"));
}

#[test]
fn tabs_are_dragged_beside_each_other_and_put_back() {
    let mut scene = Scene::loaded();
    split(&mut scene);
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking, PanelId::Wall]);
    scene.act(Action::Undo);
    scene.window.get_by_role_and_label(Role::Alert, "Undid layout");
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking]);
    scene.act(Action::Redo);
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking, PanelId::Wall]);
    scene.window.get_by_label("Explain this image");
    assert!(tab_is_front(&scene, "Wall"), "it has a tab to be dragged back by");
    scene.act(Action::ResetLayout);
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking]);
    scene.window.get_by_role_and_label(Role::Alert, "Layout reset");
}

#[test]
fn layout_recent_projects_theme_and_tour_are_kept() {
    let mut scene = Scene::loaded();
    split(&mut scene);
    scene.act(Action::Theme(Choice::Contrast));
    scene.act(Action::Tour);
    let mut kept = Kept::default();
    scene.app().save_preferences(&mut kept);

    let mut next = Scene::new();
    let ctx = next.window.ctx.clone();
    next.window.state_mut().restore_preferences(&ctx, &kept);
    next.settle();
    assert_eq!(next.app().dock.shown(), [PanelId::Ranking, PanelId::Wall]);
    assert_eq!(Choice::of(&ctx), Choice::Contrast);
    assert!(next.app().shell.toured);
    assert_eq!(next.app().shell.recent.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["Eight styles"]);

    for (key, value) in &mut kept.0 {
        if key.contains(".v1") {
            "{ cut off".clone_into(value);
        }
    }
    let mut broken = Scene::new();
    let ctx = broken.window.ctx.clone();
    broken.window.state_mut().restore_preferences(&ctx, &kept);
    broken.settle();
    assert_eq!(broken.app().dock.shown(), [PanelId::Ranking]);
    assert!(broken.app().shell.recent.is_empty());
}

#[test]
fn the_palette_finds_groups_images_and_actions() {
    let mut scene = Scene::loaded();
    let open = |scene: &mut Scene, text: &str| {
        scene.window.key_press_modifiers(Modifiers::COMMAND, Key::K);
        scene.settle();
        scene.window.get_by_label("Search or run").type_text(text);
        scene.settle();
    };
    open(&mut scene, "mosaic");
    scene.window.get_by_label("Select mosaic, group");
    scene.window.key_press(Key::Enter);
    scene.settle();
    assert_eq!(scene.app().state.group, scene.app().state.groups().iter().position(|g| g == "mosaic"));
    assert!(scene.window.query_by_role(Role::TextInput).is_none(), "the palette is closed");

    open(&mut scene, "seed-1");
    scene.window.key_press(Key::ArrowDown);
    scene.settle();
    scene.window.key_press(Key::Enter);
    scene.settle();
    assert_eq!(scene.app().state.query().map(|q| q.image.name.as_str()), Some("seed-12"));

    open(&mut scene, "undo");
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert!(scene.app().shell.palette.is_none());
    assert!(scene.app().state.group.is_some(), "Esc closed the palette and nothing else");
}

#[test]
fn what_cannot_be_done_is_dim_in_the_palette_and_says_why() {
    let mut scene = Scene::new();
    scene.act(Action::Palette);
    scene.window.get_by_label("Search or run").type_text("explain this");
    scene.settle();
    let line = scene.window.get_by_label("Explain this image: Open a model first");
    assert!(line.accesskit_node().is_disabled());
    scene.window.key_press(Key::Enter);
    scene.settle();
    assert!(scene.app().shell.palette.is_some() && scene.fake.count() == 0);
    scene.window.get_by_label("Search or run").type_text("zzz");
    scene.settle();
    scene.window.get_by_label("No matches");
}

#[test]
fn the_palette_stays_quick_with_a_thousand_groups() {
    let mut scene = Scene::many(1000);
    let others = scene.window.query_all_by_role(Role::ListBoxOption).count();
    scene.act(Action::Palette);
    for _ in 0..60 {
        scene.window.key_press(Key::ArrowDown);
    }
    scene.settle();
    let rows = scene.window.query_all_by_role(Role::ListBoxOption).count();
    assert!((8..20).contains(&(rows - others)), "{rows}: only lines in sight are drawn");
    let chosen = scene.app().shell.palette.as_ref().map(|p| p.chosen);
    assert_eq!(chosen, Some(60));
}

#[test]
fn messages_are_alerts_go_by_themselves_and_wake_the_window_once() {
    let mut scene = Scene::loaded();
    let wait = |scene: &Scene| scene.window.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    scene.act(Action::Star);
    scene.window.get_by_role_and_label(Role::Alert, "seed-7: 5 stars");
    scene.window.get_by_role_and_label(Role::ListBoxOption, "seed-7, 5 stars");
    scene.window.step();
    let until = wait(&scene);
    assert!(until > Duration::from_secs(1) && until < Duration::from_secs(6), "{until:?}");
    // The harness's own clock goes on with every frame.
    for _ in 0..60 {
        scene.window.step();
    }
    assert!(scene.window.query_by_role(Role::Alert).is_none());
    assert!(wait(&scene) > Duration::from_secs(60), "{:?}", wait(&scene));
    scene.act(Action::Star);
    scene.window.get_by_label("Dismiss").click();
    scene.settle();
    assert!(scene.window.query_by_role(Role::Alert).is_none());
    assert_eq!(scene.app().shell.log.lines.iter().filter(|l| l.text.contains("seed-7: ")).count(), 2);
}

#[test]
fn jobs_that_end_out_of_sight_are_told_and_others_are_not() {
    let mut scene = Scene::running(2);
    scene.emit(EventKind::Finished("done".into()));
    assert!(scene.window.query_by_role(Role::Alert).is_none());
    scene.act(Action::Explain);
    scene.emit(EventKind::Started);
    scene.act(Action::PreviousQuery);
    scene.emit(EventKind::Finished("pointillism ranks first".into()));
    scene.window.get_by_role_and_label(Role::Alert, "Explain seed-7: pointillism ranks first");
}

#[test]
fn the_log_lists_notices_and_jobs_and_is_copied() {
    let mut scene = Scene::loaded();
    scene.start(JobSpec::LoadModel("/models/broken".into()));
    scene.emit(EventKind::Failed("the weights do not fit. Restore the folder".into()));
    scene.window.get_by_label("Log, 1 message").click();
    scene.settle();
    let line = "Could not load model \u{201c}broken\u{201d}: The weights do not fit. Restore the folder.";
    scene.window.get_by_role_and_label(Role::Label, line);
    assert!(scene.window.query_by_label_contains("Load model broken").is_none(), "one failure is said once");
    scene.window.get_by_label("Copy the log").click();
    scene.window.step();
    let copied = scene.window.output().platform_output.commands.iter().find_map(|c| match c {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.expect("text on the clipboard");
    assert!(copied.contains("failed  Could not load model") && copied.contains("done    Generate seed 7"), "{copied}");
    scene.settle();
    scene.window.get_by_label("Close the log").click();
    scene.settle();
    assert!(scene.window.query_by_label("Copy the log").is_none());
}

#[test]
fn view_and_selection_are_undone_and_redone() {
    let mut scene = Scene::loaded();
    let undo = |scene: &mut Scene| {
        scene.window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        scene.settle();
    };
    let redo = |scene: &mut Scene| {
        scene.window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        scene.settle();
    };
    let shown = |scene: &Scene| scene.app().state.query().map(|q| q.image.name.clone()).unwrap_or_default();
    assert_eq!(shown(&scene), "seed-7");
    undo(&mut scene);
    assert_eq!(shown(&scene), "seed-7", "what was opened is no step");
    scene.window.get_by_label("Group mosaic, 120 images").click();
    scene.settle();
    scene.window.key_press(Key::PageUp);
    scene.settle();
    scene.window.get_by_role_and_label(Role::Tab, "Wall").click();
    scene.settle();
    scene.act(Action::Star);
    let mosaic = scene.app().state.group;
    undo(&mut scene);
    assert!(scene.app().state.queries.iter().all(|q| q.rating.stars == 0));
    scene.window.get_by_role_and_label(Role::Alert, "Undid rating");
    undo(&mut scene);
    assert!(tab_is_front(&scene, "Explain"));
    undo(&mut scene);
    assert_eq!(shown(&scene), "seed-7");
    undo(&mut scene);
    assert!(mosaic.is_some() && scene.app().state.group.is_none());
    (0..4).for_each(|_| redo(&mut scene));
    assert_eq!((shown(&scene).as_str(), scene.app().state.group), ("seed-12", mosaic));
    assert!(tab_is_front(&scene, "Wall"));
    assert_eq!(scene.app().state.queries.iter().filter(|q| q.rating.stars > 0).count(), 1);
    // An image that is gone is not brought back, and its steps are passed over.
    let gone = scene.app().state.current.unwrap_or_default();
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, Command::RemoveQuery(gone));
    (0..6).for_each(|_| undo(&mut scene));
    assert!(scene.app().state.query().is_some() && scene.app().state.queries.len() == 5);
}

#[test]
fn a_presentation_shows_the_middle_alone_and_larger() {
    let mut scene = Scene::done();
    let zoom = scene.window.ctx.zoom_factor();
    scene.window.key_press(Key::F11);
    scene.settle();
    scene.window.get_by_label_contains("Pointillism ranks first");
    scene.window.get_by_label("Query image seed-7");
    for side in ["Jobs", "Log", "Groups", "Search or run…"] {
        assert!(scene.window.query_by_label(side).is_none(), "{side}");
    }
    assert!((scene.window.ctx.zoom_factor() - 1.5 * zoom).abs() < 1e-6);
    let group = scene.app().state.group;
    scene.window.key_press(Key::Escape);
    scene.settle();
    scene.window.get_by_label("Jobs");
    assert!((scene.window.ctx.zoom_factor() - zoom).abs() < 1e-6);
    assert_eq!(scene.app().state.group, group, "Esc left the presentation and nothing else");
    scene.act(Action::Present);
    scene.act(Action::Present);
    assert!(!scene.app().shell.presenting);
}

#[test]
fn recent_projects_are_opened_and_dropped_where_they_are_gone() {
    let mut scene = Scene::loaded();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("project.json"), "{}").unwrap();
    scene.window.state_mut().shell.add_recent(folder.path(), "Here still");
    scene.settle();
    scene.window.get_by_label("Project Eight styles").click();
    scene.settle();
    scene.window.get_by_label("Here still").click();
    let before = scene.fake.count();
    scene.settle_until(|scene| scene.fake.count() > before);
    assert_eq!(scene.fake.last().1, JobSpec::OpenProject(folder.path().to_owned()));
    scene.emit(EventKind::Cancelled);
    scene.window.get_by_label("Project Eight styles").click();
    scene.settle();
    scene.window.get_by_label("Eight styles").click();
    scene.settle_until(|scene| scene.app().shell.recent.len() == 1);
    let said = scene.window.query_all_by_label_contains("The project is no longer at /projects/demo");
    assert_eq!(said.count(), 2, "shown and spoken");
}

#[test]
fn the_tour_is_five_cards_and_can_be_skipped() {
    let mut scene = Scene::loaded();
    assert!(scene.window.query_by_label("Skip the tour").is_none(), "not by itself");
    scene.act(Action::Tour);
    for card in 1..5 {
        scene.window.get_by_label(&format!("{card} of 5"));
        scene.window.get_by_label("Next").click();
        scene.settle();
    }
    scene.window.get_by_label("Back").click();
    scene.settle();
    scene.window.get_by_label("4 of 5");
    scene.window.get_by_label("Skip the tour").click();
    scene.settle();
    assert!(scene.app().shell.tour.is_none() && scene.app().shell.toured);
    scene.window.key_press(Key::F1);
    scene.settle();
    scene.window.get_by_label("Tour").click();
    scene.settle();
    scene.window.get_by_label("1 of 5");
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert!(scene.app().shell.tour.is_none());
}

#[test]
fn the_tour_comes_by_itself_once_and_never_into_a_screenshot() {
    let welcome = |screenshot: Option<&str>, first: bool, toured: bool| {
        let mut scene = Scene::new();
        let ctx = scene.window.ctx.clone();
        let app = scene.window.state_mut();
        (app.options.screenshot, app.shell.toured) = (screenshot.map(Into::into), toured);
        app.welcome(&ctx, first);
        app.shell.tour.is_some()
    };
    assert!(welcome(None, true, false));
    assert!(!welcome(None, true, true) && !welcome(None, false, false) && !welcome(Some("a.png"), true, false));
}

#[test]
fn the_menu_holds_every_action() {
    let mut scene = Scene::loaded();
    scene.window.get_by_label("Whence").click();
    scene.settle();
    for section in Section::ALL {
        assert!(scene.window.query_all_by_label(section.title()).count() > 0, "{section:?}");
    }
    scene.window.get_by_label("Window").click();
    scene.settle();
    for action in Section::Window.actions() {
        assert!(scene.window.query_all_by_label_contains(action.text()).count() > 0, "{action:?}");
    }
}

#[test]
fn comparing_by_keys_chooses_how() {
    use crate::app::widgets::Mode;
    let mut scene = Scene::done();
    for (key, how) in [(Key::D, Mode::Difference), (Key::W, Mode::Wipe)] {
        scene.window.key_press(key);
        scene.settle();
        assert_eq!(scene.app().forms.appearance.contrast.mode, how);
    }
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::D);
    scene.settle();
    assert_eq!(scene.app().forms.appearance.contrast.mode, Mode::Wipe, "Ctrl+D draws");
}
