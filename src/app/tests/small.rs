//! The smallest allowed window size: all controls are inside the window.

use egui::Rect;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::scenes::Scene;
use crate::app::actions::Action;
use crate::app::panels::PanelId;

#[test]
fn the_smallest_window_shows_all_controls_without_overlap() {
    let mut scene = Scene::build(Harness::builder().with_size([960.0, 600.0]));
    scene.load(None);
    scene.run(2);
    let window = Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(960.0, 600.0));
    let inside = |scene: &Scene, role: Role, name: &str| {
        let rect = scene.window.get_by_role_and_label(role, name).rect();
        assert!(window.contains_rect(rect) && rect.width() > 8.0, "{name}: {rect:?}");
        rect
    };
    let buttons = ["Whence", "Search or run…", "Open", "Shortcuts", "Cancel", "Pause", "Jobs", "Log"];
    let mut all: Vec<Rect> = buttons.into_iter().map(|name| inside(&scene, Role::Button, name)).collect();
    all.extend(PanelId::with_action().map(|tab| inside(&scene, Role::Tab, Action::ShowPanel(tab).text())));
    for (i, a) in all.iter().enumerate() {
        for b in all.iter().skip(i + 1) {
            assert!(!a.shrink(1.0).intersects(b.shrink(1.0)), "{a:?} and {b:?} overlap");
        }
    }
    // Dialogs and popups fit too.
    scene.act(Action::Help);
    inside(&scene, Role::Button, "Close");
    scene.act(Action::Clear);
    scene.act(Action::Tour);
    inside(&scene, Role::Button, "Next");
    scene.act(Action::Clear);
    scene.act(Action::Palette);
    inside(&scene, Role::TextInput, "Search or run");
    scene.act(Action::Clear);
    scene.act(Action::Log);
    inside(&scene, Role::Button, "Close the log");
}
