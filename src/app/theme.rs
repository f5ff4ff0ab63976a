//! Every colour, size and spacing of the window: dark, light and of high contrast. No other file names a colour.
//!
//! Greys are neutral, so that they do not change how an image's colours look. Colour means a group, and a warning.

mod choice;

use crate::palette;
use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Ui, Visuals, vec2,
};

pub use choice::Choice;

/// Colours of one theme.
#[derive(Debug)]
pub struct Tokens {
    /// Behind the ranking and the nearest images.
    pub window: Color32,
    /// Decision panels, top bar and job strip.
    pub panel: Color32,
    /// Behind images: neutral, for colour judgement.
    pub mat: Color32,
    /// Popups, cards, tooltips.
    pub raised: Color32,
    /// Buttons and other controls.
    pub control: Color32,
    /// Controls under the pointer.
    pub hover: Color32,
    /// What is selected.
    pub selected: Color32,
    /// Around controls.
    pub edge: Color32,
    /// Text fields.
    pub field: Color32,
    /// Hairlines.
    pub line: Color32,
    /// Outlines that must be seen: focus, axes.
    pub outline: Color32,
    /// Headings and numbers.
    pub strong: Color32,
    /// Text.
    pub text: Color32,
    /// Captions.
    pub weak: Color32,
    /// Warnings.
    pub warn: Color32,
    /// Failures.
    pub error: Color32,
    /// Behind what drops in.
    pub veil: Color32,
    /// Groups, in order; told apart by people with any colour vision.
    pub groups: [Color32; palette::COUNT],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses an index out of range")]
const fn colours(hex: [u32; palette::COUNT]) -> [Color32; palette::COUNT] {
    let mut out = [Color32::TRANSPARENT; palette::COUNT];
    let mut i = 0;
    while i < palette::COUNT {
        out[i] = rgb(hex[i]);
        i += 1;
    }
    out
}

/// The dark theme.
pub static DARK: Tokens = Tokens {
    window: Color32::from_gray(23),
    panel: Color32::from_gray(29),
    mat: Color32::from_gray(44),
    raised: Color32::from_gray(36),
    control: Color32::from_gray(47),
    hover: Color32::from_gray(58),
    selected: Color32::from_gray(54),
    edge: Color32::TRANSPARENT,
    field: Color32::from_gray(18),
    line: Color32::from_gray(46),
    outline: Color32::from_gray(105),
    strong: Color32::from_gray(240),
    text: Color32::from_gray(206),
    weak: Color32::from_gray(150),
    warn: rgb(0xE8B04A),
    error: rgb(0xF08B7A),
    veil: Color32::from_rgba_premultiplied(10, 10, 10, 225),
    groups: colours(palette::DARK),
};

/// The light theme.
pub static LIGHT: Tokens = Tokens {
    window: Color32::from_gray(252),
    panel: Color32::from_gray(244),
    mat: Color32::from_gray(216),
    raised: Color32::from_gray(255),
    control: Color32::from_gray(231),
    hover: Color32::from_gray(221),
    selected: Color32::from_gray(224),
    edge: Color32::TRANSPARENT,
    field: Color32::from_gray(236),
    line: Color32::from_gray(222),
    outline: Color32::from_gray(140),
    strong: Color32::from_gray(18),
    text: Color32::from_gray(52),
    weak: Color32::from_gray(98),
    warn: rgb(0x8A5A00),
    error: rgb(0xB3261E),
    veil: Color32::from_rgba_premultiplied(225, 225, 225, 232),
    groups: colours(palette::LIGHT),
};

/// The theme of high contrast: black, white, and lines that can be seen.
pub static CONTRAST: Tokens = Tokens {
    window: Color32::from_gray(0),
    panel: Color32::from_gray(0),
    mat: Color32::from_gray(34),
    raised: Color32::from_gray(10),
    control: Color32::from_gray(30),
    hover: Color32::from_gray(62),
    selected: Color32::from_gray(72),
    edge: Color32::from_gray(150),
    field: Color32::from_gray(0),
    line: Color32::from_gray(120),
    outline: Color32::from_gray(235),
    strong: Color32::from_gray(255),
    text: Color32::from_gray(245),
    weak: Color32::from_gray(205),
    warn: rgb(0xFFC857),
    error: rgb(0xFF9E8F),
    veil: Color32::from_rgba_premultiplied(0, 0, 0, 240),
    groups: colours(palette::CONTRAST),
};

impl Tokens {
    /// The colour of a group, the same everywhere.
    pub fn group(&self, group: usize) -> Color32 {
        self.groups.get(group % self.groups.len()).copied().unwrap_or(self.text)
    }
}

/// The shape that goes with a group's colour: the first eight groups differ in both, so that neither alone has to tell them
/// apart, and no two of the first 64 groups look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A filled circle.
    Disc,
    /// A filled square.
    Square,
    /// A triangle that points up.
    Up,
    /// A square on its corner.
    Diamond,
    /// A circle.
    Ring,
    /// A plus sign.
    Plus,
    /// A triangle that points down.
    Down,
    /// A diagonal cross.
    Cross,
}

impl Mark {
    /// All, in the order of the groups.
    pub const ALL: [Self; 8] =
        [Self::Disc, Self::Square, Self::Up, Self::Diamond, Self::Ring, Self::Plus, Self::Down, Self::Cross];

    /// The mark of a group. Where colours repeat, the marks are shifted by one.
    pub fn of(group: usize) -> Self {
        let n = Self::ALL.len();
        Self::ALL.get((group + group / n) % n).copied().unwrap_or(Self::Disc)
    }
}

/// The colours of the theme that is on.
pub fn tokens(ui: &Ui) -> &'static Tokens {
    of(ui.visuals())
}

/// The colours behind egui's own.
pub fn of(visuals: &Visuals) -> &'static Tokens {
    match visuals.dark_mode {
        true if visuals.panel_fill == CONTRAST.panel => &CONTRAST,
        true => &DARK,
        false => &LIGHT,
    }
}

/// Maps over images: light and deep orange where a value is positive. With blue safe for every colour vision, and the
/// same in both themes, because they lie on images.
pub const WARM: [Color32; 2] = [rgb(palette::MAP[0]), rgb(palette::MAP[1])];

/// Light and deep blue where a value is negative.
pub const COOL: [Color32; 2] = [rgb(palette::MAP[2]), rgb(palette::MAP[3])];

/// Space between unrelated things.
pub const GAP: f32 = 16.0;

/// Corner radius of cards and images.
pub const RADIUS: u8 = 6;

/// Height of a bar of tabs.
pub const TAB_BAR: f32 = 34.0;

/// Space at both sides of a tab's name.
pub const TAB_PAD: f32 = 12.0;

/// Height of a row in lists that are gone through by keys.
pub const ROW: f32 = 30.0;

/// How much larger everything is in a presentation.
pub const PRESENTING: f32 = 1.5;

/// Text of captions.
pub fn caption() -> FontId {
    FontId::new(12.0, FontFamily::Proportional)
}

/// Text of rows.
pub fn body() -> FontId {
    FontId::new(14.0, FontFamily::Proportional)
}

/// Text of the sentence that sums up.
pub fn lead() -> FontId {
    FontId::new(20.0, FontFamily::Proportional)
}

/// Puts both themes into effect.
pub fn apply(ctx: &Context) {
    for (theme, tokens) in [(Theme::Dark, &DARK), (Theme::Light, &LIGHT)] {
        ctx.style_mut_of(theme, |style| {
            style.text_styles = [
                (TextStyle::Small, caption()),
                (TextStyle::Body, body()),
                (TextStyle::Button, body()),
                (TextStyle::Heading, lead()),
                (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
            ]
            .into();
            style.spacing.item_spacing = vec2(8.0, 6.0);
            style.spacing.button_padding = vec2(10.0, 4.0);
            style.spacing.interact_size = vec2(32.0, 26.0);
            style.spacing.menu_margin = Margin::same(6);
            style.spacing.text_edit_width = 220.0;
            style.spacing.scroll.floating = true;
            style.interaction.selectable_labels = false;
            // Nothing moves unless something happened: neither fades nor a blinking cursor wake an idle window.
            style.animation_time = 0.0;
            style.scroll_animation = egui::style::ScrollAnimation::none();
            visuals(&mut style.visuals, tokens);
        });
    }
}

fn visuals(v: &mut Visuals, t: &Tokens) {
    v.text_cursor.blink = false;
    v.panel_fill = t.panel;
    v.window_fill = t.raised;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.window_corner_radius = CornerRadius::same(10);
    v.menu_corner_radius = CornerRadius::same(8);
    v.popup_shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(60) };
    v.window_shadow = Shadow { offset: [0, 8], blur: 32, spread: 0, color: Color32::from_black_alpha(90) };
    v.extreme_bg_color = t.field;
    v.faint_bg_color = t.panel;
    v.code_bg_color = t.control;
    v.weak_text_color = Some(t.weak);
    v.hyperlink_color = t.strong;
    v.warn_fg_color = t.warn;
    v.error_fg_color = t.error;
    v.selection.bg_fill = t.selected;
    v.selection.stroke = Stroke::new(1.0, t.strong);
    let w = &mut v.widgets;
    let all = [&mut w.noninteractive, &mut w.inactive, &mut w.hovered, &mut w.active, &mut w.open];
    for (widget, (fill, border, text)) in all.into_iter().zip([
        (t.panel, t.line, t.text),
        (t.control, t.edge, t.text),
        (t.hover, t.line, t.strong),
        (t.hover, t.outline, t.strong),
        (t.hover, t.line, t.strong),
    ]) {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, border);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(RADIUS);
        widget.expansion = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast of two opaque colours after WCAG 2.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let light = |c: Color32| {
            let rgba = egui::Rgba::from(c);
            0.2126 * rgba.r() + 0.7152 * rgba.g() + 0.0722 * rgba.b() + 0.05
        };
        let (a, b) = (light(a), light(b));
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_can_be_read_and_groups_can_be_seen() {
        for (t, readable, visible) in [(&DARK, 4.5, 1.8), (&LIGHT, 4.5, 1.8), (&CONTRAST, 7.0, 4.5)] {
            for ground in [t.window, t.panel, t.raised] {
                for text in [t.strong, t.text, t.weak, t.warn, t.error] {
                    assert!(contrast(text, ground) >= readable, "{text:?} on {ground:?}: {}", contrast(text, ground));
                }
                for group in t.groups {
                    assert!(contrast(group, ground) >= visible, "{group:?} on {ground:?}: {}", contrast(group, ground));
                }
            }
        }
        for ground in [CONTRAST.control, CONTRAST.hover, CONTRAST.selected, CONTRAST.field] {
            assert!(contrast(CONTRAST.strong, ground) >= 7.0, "{ground:?}: {}", contrast(CONTRAST.strong, ground));
        }
        assert!(contrast(CONTRAST.line, CONTRAST.window) >= 3.0, "lines are seen");
    }

    #[test]
    fn the_first_eight_groups_differ_in_mark_and_colour_and_the_first_64_in_one_of_them() {
        let looks = |groups: std::ops::Range<usize>| groups.map(|g| (DARK.group(g), Mark::of(g) as u8));
        let marks: std::collections::HashSet<u8> = looks(0..8).map(|(_, mark)| mark).collect();
        let colours: std::collections::HashSet<Color32> = looks(0..8).map(|(colour, _)| colour).collect();
        assert_eq!((marks.len(), colours.len()), (8, 8));
        let all: std::collections::HashSet<_> = looks(0..64).collect();
        assert_eq!(all.len(), 64);
    }
}
