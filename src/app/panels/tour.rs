//! Five cards about what is where, at the very first start and on demand.

use egui::{
    Align, Align2, Area, Button, Frame, Id, Label, LayerId, Layout, Order, Rect, RichText, Stroke, StrokeKind, Ui, vec2,
};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::theme::{self, GAP, tokens};

const WIDTH: f32 = 400.0;

/// Where the parts of the window are.
#[derive(Debug)]
pub struct Places {
    /// The bar at the top.
    pub top: Rect,
    /// The strip at the bottom.
    pub jobs: Rect,
    /// Pictures and groups.
    pub left: Rect,
    /// The tabs.
    pub middle: Rect,
}

impl Default for Places {
    fn default() -> Self {
        Self { top: Rect::ZERO, jobs: Rect::ZERO, left: Rect::ZERO, middle: Rect::ZERO }
    }
}

struct Card {
    title: &'static str,
    text: &'static str,
    place: fn(&Places) -> Rect,
}

const CARDS: [Card; 5] = [
    Card {
        title: "One question",
        text: "Which groups of training images shaped this picture? The demo's model has learned eight styles; \
               these are pictures that it drew. Draw another from a seed, or drop a file onto the window",
        place: |p| p.left,
    },
    Card {
        title: "Explain a picture",
        text: "The button under the picture unlearns each group in turn and measures how much less likely the picture \
               becomes. The first time takes a minute or two; what was made is kept",
        place: |p| p.middle,
    },
    Card {
        title: "Read the bars",
        text: "A long bar: without this group the picture would be much less likely. The thin lines are 95 % intervals, \
               and the sentence above says what can be told apart and what cannot",
        place: |p| p.middle,
    },
    Card {
        title: "Look for evidence",
        text: "Select a group, and see its images nearest to the picture. The tabs hold more views; keys 1 to 6 lead \
               there, and each can be dragged beside another",
        place: |p| Rect::from_min_size(p.middle.min, vec2(p.middle.width(), theme::TAB_BAR)),
    },
    Card {
        title: "Find anything",
        text: "Search or run finds every action, group and picture by a few letters. What runs is shown at the bottom, \
               where it can be paused and cancelled",
        place: |p| p.top,
    },
];

/// Draws the card that is on screen, and a line around what it is about.
pub fn show(ui: &mut Ui, view: &mut View<'_>, places: &Places) {
    let Some((number, card)) = view.shell.tour.and_then(|n| Some((n, CARDS.get(n)?))) else { return };
    if view.shell.presenting {
        return;
    }
    let t = tokens(ui);
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Foreground, Id::unique("tour place")));
    let place = (card.place)(places).shrink(2.0);
    painter.rect_stroke(place, f32::from(theme::RADIUS), Stroke::new(2.0, t.strong), StrokeKind::Inside);
    let lift = -places.jobs.height() - 2.0 * GAP;
    Area::new(Id::unique("tour")).order(Order::Foreground).anchor(Align2::CENTER_BOTTOM, vec2(0.0, lift)).show(
        ui.ctx(),
        |ui| {
            Frame::popup(ui.style()).inner_margin(18.0).corner_radius(10).show(ui, |ui| {
                ui.set_width(WIDTH);
                ui.label(RichText::new(card.title).font(theme::lead()).color(t.strong));
                ui.add(Label::new(RichText::new(card.text).color(t.text)).wrap());
                ui.add_space(8.0);
                buttons(ui, view, number);
            });
        },
    );
}

fn buttons(ui: &mut Ui, view: &mut View<'_>, number: usize) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let place = format!("{} of {}", number + 1, CARDS.len());
        ui.label(RichText::new(place).font(theme::caption()).color(t.weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let last = number + 1 == CARDS.len();
            let next = Button::new(RichText::new(if last { "Begin" } else { "Next" }).color(t.window)).fill(t.strong);
            if ui.add(next).clicked() {
                view.out.push(Command::TourCard((!last).then_some(number + 1)));
            }
            if number > 0 && ui.button("Back").clicked() {
                view.out.push(Command::TourCard(Some(number - 1)));
            }
            let skip = Button::new(RichText::new("Skip the tour").color(t.weak)).frame(false);
            if !last && ui.add(skip).on_hover_text(Action::Tour.tooltip()).clicked() {
                view.out.push(Command::TourCard(None));
            }
        });
    });
}
