//! Files dragged over the window: an overlay announces what dropping them will do, and dropping opens them.

use std::path::PathBuf;

use egui::{Align2, Id, LayerId, Order, Stroke, StrokeKind, Ui, vec2};

use super::View;
use crate::app::actions::Command;
use crate::app::files::PathKind;
use crate::app::theme::{self, tokens};

/// Draws the overlay, and opens what is dropped.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let (hovered, dropped) = ui.input(|i| {
        let dropped: Vec<PathBuf> = i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect();
        let hovered: Vec<Option<PathBuf>> = i.raw.hovered_files.iter().map(|f| f.path.clone()).collect();
        (hovered, dropped)
    });
    view.out.extend(dropped.into_iter().filter(|p| !p.as_os_str().is_empty()).map(Command::Open));
    if hovered.is_empty() {
        return;
    }
    let t = tokens(ui);
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Foreground, Id::unique("drop")));
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0.0, t.veil);
    painter.rect_stroke(rect.shrink(16.0), 10.0, Stroke::new(2.0, t.outline), StrokeKind::Inside);
    painter.text(rect.center(), Align2::CENTER_BOTTOM, sentence(&hovered), theme::lead(), t.strong);
    let more = "Projects, models and datasets are folders. A .parquet file is a dataset.";
    painter.text(rect.center() + vec2(0.0, 12.0), Align2::CENTER_TOP, more, theme::body(), t.weak);
}

/// What dropping will do. Some systems give the names only after the drop.
fn sentence(hovered: &[Option<PathBuf>]) -> String {
    match hovered {
        [Some(path)] => {
            let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            match PathKind::of_name(path) {
                Some(PathKind::Query) => format!("Drop to open {name} as a query image"),
                Some(kind) => format!("Drop to open {name} as a {}", kind.name()),
                None => format!("Drop to open {name}"),
            }
        }
        [_] => "Drop to open".into(),
        many => format!("Drop to open {} files", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlay_announces_what_dropping_will_do() {
        let at = |name: &str| Some(PathBuf::from(name));
        assert_eq!(sentence(&[at("/a/b.png")]), "Drop to open b.png as a query image");
        assert_eq!(sentence(&[at("/a/t.parquet")]), "Drop to open t.parquet as a dataset");
        assert_eq!(sentence(&[at("/a/folder")]), "Drop to open folder");
        assert_eq!(sentence(&[None]), "Drop to open");
        assert_eq!(sentence(&[None, at("x")]), "Drop to open 2 files");
    }
}
