//! Five cards about what is where, at the very first start and on demand.

use egui::{
    Align, Area, Button, Frame, Id, Label, LayerId, Layout, Order, Pos2, Rect, RichText, Stroke, StrokeKind, Ui, Vec2,
    pos2, vec2,
};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::theme::{self, GAP, tokens};

const WIDTH: f32 = 400.0;
/// Room around the words.
const INSIDE: f32 = 18.0;
/// Height of a card before it was ever drawn.
const HEIGHT: f32 = 150.0;

/// Where the parts of the window are.
#[derive(Debug)]
pub struct Places {
    /// The bar at the top.
    pub top: Rect,
    /// The strip at the bottom.
    pub jobs: Rect,
    /// Images and groups.
    pub left: Rect,
    /// The tabs.
    pub middle: Rect,
    /// The image, where it is on screen.
    pub image: Option<Rect>,
    /// The ranking, where it is on screen.
    pub ranking: Option<Rect>,
}

impl Default for Places {
    fn default() -> Self {
        let none = Rect::ZERO;
        Self { top: none, jobs: none, left: none, middle: none, image: None, ranking: None }
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
        text: "Which groups of training images shaped this image? The demo's model has learned eight styles; \
               these are images that it drew. Draw another from a seed, or drop a file onto the window",
        place: |p| p.left,
    },
    Card {
        title: "Explain an image",
        text: "The button under the image unlearns each group in turn and measures how much less likely the image \
               becomes. The first time takes a minute or two; what was made is kept",
        place: |p| p.image.unwrap_or(p.middle),
    },
    Card {
        title: "Read the bars",
        text: "A long bar: without this group the image would be much less likely. The thin lines are 95 % intervals, \
               and the sentence above says what can be told apart and what cannot",
        place: |p| p.ranking.unwrap_or(p.middle),
    },
    Card {
        title: "Look for evidence",
        text: "Select a group, and see its images nearest to the image. The tabs hold more views; keys 1 to 6 lead \
               there, and each can be dragged beside another",
        place: |p| Rect::from_min_size(p.middle.min, vec2(p.middle.width(), theme::TAB_BAR)),
    },
    Card {
        title: "Find anything",
        text: "Search or run finds every action, group and image by a few letters. What runs is shown at the bottom, \
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
    let id = Id::unique("tour");
    let size = ui.memory(|m| m.area_rect(id)).map_or(vec2(WIDTH + 2.0 * INSIDE, HEIGHT), |r| r.size());
    let room = places.left.union(places.middle);
    let at = spot(room.shrink(GAP), size, place, places.image);
    Area::new(id).order(Order::Foreground).fixed_pos(at).show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).inner_margin(INSIDE).corner_radius(10).show(ui, |ui| {
            ui.set_width(WIDTH);
            ui.label(RichText::new(card.title).font(theme::lead()).color(t.strong));
            ui.add(Label::new(RichText::new(card.text).color(t.text)).wrap());
            ui.add_space(8.0);
            buttons(ui, view, number);
        });
    });
}

/// Where a card of this size lies: it covers what it is about least, then the image and its button least, then it is as
/// near as can be to what it is about.
fn spot(room: Rect, size: Vec2, about: Rect, image: Option<Rect>) -> Pos2 {
    let corner = room.max - size;
    let beside = [about.right() + GAP, about.left() - GAP - size.x, about.left(), room.left(), corner.x];
    let above = [about.bottom() + GAP, about.top() - GAP - size.y, about.top(), room.top(), corner.y];
    let cost = |at: &Pos2| {
        let card = Rect::from_min_size(*at, size);
        (overlap(card, about), image.map_or(0.0, |p| overlap(card, p)), about.distance_to_pos(card.center()))
    };
    let places = beside.into_iter().flat_map(|x| above.into_iter().map(move |y| pos2(x, y)));
    let inside = places.map(|at| at.min(corner).max(room.min));
    inside
        .min_by(|a, b| {
            let (a, b) = (cost(a), cost(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
        })
        .unwrap_or(room.min)
}

/// How much of one rectangle another covers.
fn overlap(a: Rect, b: Rect) -> f32 {
    let both = a.intersect(b);
    if both.is_positive() { both.area() } else { 0.0 }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_lies_beside_what_it_is_about() {
        let rect = |x: f32, y: f32, w: f32, h: f32| Rect::from_min_size(pos2(x, y), vec2(w, h));
        let (room, size) = (rect(0.0, 50.0, 1280.0, 700.0), vec2(436.0, 150.0));
        let (left, image, ranking) =
            (rect(0.0, 50.0, 244.0, 700.0), rect(244.0, 86.0, 420.0, 664.0), rect(664.0, 86.0, 616.0, 330.0));
        for about in [left, image, ranking] {
            let card = Rect::from_min_size(spot(room, size, about, Some(image)), size);
            assert!(room.contains_rect(card), "{card:?}");
            assert_eq!((overlap(card, about), overlap(card, image)), (0.0, 0.0), "{about:?}: {card:?}");
        }
        // Where everything is covered by what it is about, the card is still inside.
        let card = Rect::from_min_size(spot(room, size, room, Some(image)), size);
        assert!(room.contains_rect(card) && overlap(card, image) == 0.0, "{card:?}");
    }
}
