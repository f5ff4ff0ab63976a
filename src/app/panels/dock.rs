//! The tabs of the middle: flat words with a line under those in front.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CursorIcon, Frame, Id, Margin, Rect, Response, Sense, Stroke, Style, Ui, Visuals, WidgetInfo,
    WidgetText, vec2,
};
use egui_tiles::{Behavior, ResizeState, SimplificationOptions, TabState, Tabs, TileId, Tiles, UiResponse};

use super::View;
use crate::app::actions::Action;
use crate::app::dock::{Dock, Pane, Tab, panes_in, title};
use crate::app::format;
use crate::app::theme::{self, GAP, RADIUS, tokens};

/// Draws the panes and lets the user move them.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dock: &mut Dock) {
    let part = |(id, tile): (&TileId, &egui_tiles::Tile<Pane>)| match tile {
        egui_tiles::Tile::Pane(pane) if pane.is_part() => Some(*id),
        _ => None,
    };
    let parts = dock.tree.tiles.iter().filter_map(part).collect();
    dock.tree.ui(&mut Panes { view, parts }, ui);
}

struct Panes<'a, 'b> {
    view: &'a mut View<'b>,
    /// Panes that show no tab where they are alone.
    parts: Vec<TileId>,
}

impl Behavior<Pane> for Panes<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        let margin = if pane.is_part() { Margin::symmetric(GAP as i8, 12) } else { Margin::same(GAP as i8) };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            super::pane(ui, self.view, *pane);
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn tab_title_for_tile(&mut self, tiles: &Tiles<Pane>, tile: TileId) -> WidgetText {
        format::cut(&title(&panes_in(tiles, tile)), 40).into()
    }

    fn tab_ui(&mut self, tiles: &mut Tiles<Pane>, ui: &mut Ui, id: Id, tile: TileId, state: &TabState) -> Response {
        let t = tokens(ui);
        let panes = panes_in(tiles, tile);
        let name = title(&panes);
        let color = if state.active { t.strong } else { t.weak };
        let galley = ui.painter().layout_no_wrap(format::cut(&name, 40), theme::body(), color);
        let (_, rect) = ui.allocate_space(vec2(galley.size().x + 2.0 * theme::TAB_PAD, ui.available_height()));
        let response = ui.interact(rect, id, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::selected(Role::Tab, ui.is_enabled(), state.active, &name));
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_selected(state.active));
        if !state.is_being_dragged {
            let painter = ui.painter();
            let lit = response.hovered() || response.has_focus();
            if lit && !state.active {
                painter.rect_filled(rect.shrink2(vec2(2.0, 4.0)), f32::from(RADIUS), t.control);
            }
            if response.has_focus() {
                let stroke = Stroke::new(1.0, t.outline);
                painter.rect_stroke(rect.shrink2(vec2(2.0, 4.0)), f32::from(RADIUS), stroke, egui::StrokeKind::Inside);
            }
            let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect).min;
            painter.galley(at, galley, if lit { t.strong } else { color });
            if state.active {
                let line = rect.x_range().shrink(theme::TAB_PAD);
                painter.hline(line, rect.bottom() - 1.0, Stroke::new(2.0, t.strong));
            }
        }
        match Tab::ALL.into_iter().find(|tab| panes.contains(&tab.pane())) {
            Some(tab) => {
                response.on_hover_text(format!("{}. Drag to put it elsewhere", Action::Show(tab).hint(ui.ctx())))
            }
            None => response,
        }
    }

    fn drag_ui(&mut self, tiles: &Tiles<Pane>, ui: &mut Ui, tile: TileId) {
        Frame::popup(ui.style()).show(ui, |ui| ui.label(title(&panes_in(tiles, tile))));
    }

    fn tab_hover_cursor_icon(&self) -> CursorIcon {
        CursorIcon::Default
    }

    fn tab_bar_height(&self, _style: &Style) -> f32 {
        theme::TAB_BAR
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        theme::of(visuals).panel
    }

    fn is_tab_bar_visible(&self, _tile: TileId, tabs: &Tabs) -> bool {
        let alone = matches!(tabs.children.as_slice(), [only] if self.parts.contains(only));
        !alone && !self.view.shell.presenting
    }

    fn gap_width(&self, _style: &Style) -> f32 {
        1.0
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn resize_stroke(&self, style: &Style, state: ResizeState) -> Stroke {
        let t = theme::of(&style.visuals);
        match state {
            ResizeState::Idle => Stroke::new(1.0, t.line),
            ResizeState::Hovering => Stroke::new(1.0, t.outline),
            ResizeState::Dragging => Stroke::new(2.0, t.outline),
        }
    }

    fn dragged_overlay_color(&self, visuals: &Visuals) -> Color32 {
        theme::of(visuals).window.gamma_multiply(0.6)
    }

    fn paint_drag_preview(&self, visuals: &Visuals, painter: &egui::Painter, _parent: Option<Rect>, preview: Rect) {
        let t = theme::of(visuals);
        let fill = t.outline.gamma_multiply(0.25);
        painter.rect(preview, f32::from(RADIUS), fill, Stroke::new(1.0, t.outline), egui::StrokeKind::Inside);
    }

    fn simplification_options(&self) -> SimplificationOptions {
        // What was dragged beside something keeps a tab to be dragged back by.
        SimplificationOptions { all_panes_must_have_tabs: true, ..Default::default() }
    }
}
