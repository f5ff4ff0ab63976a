//! Names in any script: fonts of the system for characters that the built-in fonts lack.
//!
//! Nothing is searched until such a character is on screen. The search then runs in the background: the character is a box
//! for a few frames, and no frame waits.

mod coverage;
mod emoji;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use egui::{Context, FallbackRequest, FontInsert, FontProvider};
use parking_lot::Mutex;

use super::background_tasks::{BackgroundTasks, Message};
use super::task_failures;
use search::SystemFonts;

/// Characters with the font that has each; none where no font of the system has it.
pub type Found = BTreeMap<char, Option<FontInsert>>;

/// Characters that were looked for, and those that shall be.
#[derive(Debug, Default)]
struct Characters {
    wanted: BTreeSet<char>,
    found: Found,
}

/// Answers egui's requests for fonts from what was found.
#[derive(Clone, Debug, Default)]
struct Provider(Arc<Mutex<Characters>>);

impl FontProvider for Provider {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let first = request.cluster.chars().next()?;
        let mut characters = self.0.lock();
        if let Some(found) = characters.found.get(&first) {
            return found.clone();
        }
        characters.wanted.insert(first);
        None
    }
}

/// The system's fonts, as far as they are needed.
#[derive(Debug, Default)]
pub struct Fonts {
    provider: Provider,
    /// The index of the system's fonts between two searches; none before the first.
    system: Option<SystemFonts>,
    searching: bool,
}

impl Fonts {
    /// From now on, egui asks here for fonts.
    pub fn install(&self, ctx: &Context) {
        ctx.add_glyph_rasterizer(emoji::rasterizer());
        ctx.set_font_providers(vec![Arc::new(self.provider.clone())]);
    }

    /// Searches fonts for the characters that this frame lacked.
    pub fn follow(&mut self, tasks: &BackgroundTasks) {
        if self.searching {
            return;
        }
        let wanted = std::mem::take(&mut self.provider.0.lock().wanted);
        if wanted.is_empty() {
            return;
        }
        self.searching = true;
        let system = self.system.take();
        tasks.run(task_failures::FONTS, move || {
            let mut system = system.unwrap_or_else(SystemFonts::load);
            let found = wanted.into_iter().map(|c| (c, system.font_for(c))).collect();
            Message::FontsFound(Box::new(system), found)
        });
    }

    /// Takes the result of a search. Text is laid out again where fonts were found.
    pub fn take(&mut self, ctx: &Context, system: SystemFonts, found: Found) {
        let any = found.values().any(Option::is_some);
        (self.system, self.searching) = (Some(system), false);
        self.provider.0.lock().found.extend(found);
        if any {
            self.install(ctx);
        }
        // Characters may have come up in the meantime.
        ctx.request_repaint();
    }

    /// Ends a search that gives no result.
    pub fn give_up(&mut self) {
        self.searching = false;
    }

    /// Whether anything was searched for.
    #[cfg(test)]
    pub fn has_searched(&self) -> bool {
        self.searching || self.system.is_some()
    }

    /// Whether a search is under way.
    #[cfg(test)]
    pub fn is_searching(&self) -> bool {
        self.searching || !self.provider.0.lock().wanted.is_empty()
    }
}

pub use search::SystemFonts as System;
