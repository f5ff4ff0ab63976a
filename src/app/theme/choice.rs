//! Which theme is on.

use egui::{Context, Theme, ThemePreference};

use super::{CONTRAST, DARK, of, visuals};

/// What the user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Dark or light, as the system is.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
    /// High contrast.
    Contrast,
}

impl Choice {
    /// Its name in menus.
    pub fn text(self) -> &'static str {
        match self {
            Self::System => "Theme: system",
            Self::Light => "Theme: light",
            Self::Dark => "Theme: dark",
            Self::Contrast => "Theme: high contrast",
        }
    }

    /// What it does.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::System => "Follow the desktop: dark or light",
            Self::Light => "Dark text on a light background",
            Self::Dark => "Light text on a dark background",
            Self::Contrast => "White on black, with visible outlines",
        }
    }

    /// The one after it, as the theme button goes through them.
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::Contrast,
            Self::Contrast => Self::System,
        }
    }

    /// The one that is on.
    pub fn of(ctx: &Context) -> Self {
        match ctx.options(|o| o.theme_preference) {
            ThemePreference::Dark if std::ptr::eq(of(&ctx.style_of(Theme::Dark).visuals), &CONTRAST) => Self::Contrast,
            ThemePreference::Dark => Self::Dark,
            ThemePreference::Light => Self::Light,
            ThemePreference::System => Self::System,
        }
    }

    /// Puts it into effect.
    pub fn apply(self, ctx: &Context) {
        // High contrast is a dark theme: it stands in for the usual one as long as it is chosen.
        let dark = if self == Self::Contrast { &CONTRAST } else { &DARK };
        ctx.style_mut_of(Theme::Dark, |style| visuals(&mut style.visuals, dark));
        ctx.set_theme(match self {
            Self::System => ThemePreference::System,
            Self::Light => ThemePreference::Light,
            Self::Dark | Self::Contrast => ThemePreference::Dark,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::apply;
    use super::*;

    #[test]
    fn every_theme_is_known_by_its_look() {
        let ctx = Context::default();
        apply(&ctx);
        let mut choice = Choice::System;
        for _ in 0..4 {
            choice.apply(&ctx);
            assert_eq!(Choice::of(&ctx), choice);
            choice = choice.next();
        }
        assert_eq!(choice, Choice::System, "the button goes round");
        for (choice, tokens) in [(Choice::Contrast, &CONTRAST), (Choice::Dark, &DARK)] {
            choice.apply(&ctx);
            assert!(std::ptr::eq(of(&ctx.style_of(Theme::Dark).visuals), tokens));
        }
    }
}
