//! The tabs of the middle: flat titles, underlined where they are in front.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CursorIcon, Frame, Id, Margin, Rect, Response, Sense, Stroke, Style, Ui, Visuals, WidgetInfo,
    WidgetText, vec2,
};
use egui_tiles::{Behavior, ResizeState, SimplificationOptions, TabState, Tabs, Tile, TileId, Tiles, UiResponse};

use super::{PanelId, View};
use crate::app::actions::Action;
use crate::app::dock::{Dock, panels_in, title};
use crate::app::format;
use crate::app::theme::{self, GAP, RADIUS, tokens};

/// Draws the panels and lets the user move them.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dock: &mut Dock) {
    let mut untabbed = Vec::new();
    for (id, tile) in dock.tree.tiles.iter() {
        if matches!(tile, Tile::Pane(panel) if panel.is_on_explain_tab()) {
            untabbed.push(*id);
        }
    }
    dock.tree.ui(&mut PanelBehavior { view, untabbed }, ui);
}

struct PanelBehavior<'a, 'b> {
    view: &'a mut View<'b>,
    /// Tiles that show no tab where they are alone: those of the Explain tab.
    untabbed: Vec<TileId>,
}

impl Behavior<PanelId> for PanelBehavior<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, panel: &mut PanelId) -> UiResponse {
        let margin = if panel.is_on_explain_tab() { Margin::symmetric(GAP as i8, 12) } else { Margin::same(GAP as i8) };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            super::show_panel(ui, self.view, *panel);
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, panel: &PanelId) -> WidgetText {
        panel.title().into()
    }

    fn tab_title_for_tile(&mut self, tiles: &Tiles<PanelId>, tile: TileId) -> WidgetText {
        format::cut(&title(&panels_in(tiles, tile)), 40).into()
    }

    fn tab_ui(&mut self, tiles: &mut Tiles<PanelId>, ui: &mut Ui, id: Id, tile: TileId, state: &TabState) -> Response {
        let t = tokens(ui);
        let panels = panels_in(tiles, tile);
        let name = title(&panels);
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
        match PanelId::with_action().find(|panel| panels.contains(panel)) {
            Some(panel) => {
                let hint = Action::ShowPanel(panel).hint(ui.ctx());
                response.on_hover_text(format!("{hint}. Drag to move this tab"))
            }
            None => response,
        }
    }

    fn drag_ui(&mut self, tiles: &Tiles<PanelId>, ui: &mut Ui, tile: TileId) {
        Frame::popup(ui.style()).show(ui, |ui| ui.label(title(&panels_in(tiles, tile))));
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
        let alone = matches!(tabs.children.as_slice(), [only] if self.untabbed.contains(only));
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
        // A panel that was dragged beside another keeps its tab, so that it can be dragged back.
        SimplificationOptions { all_panes_must_have_tabs: true, ..Default::default() }
    }
}
