//! Commands about ratings, notes, filters and pairs of images.

use egui::Context;

use crate::app::library::{Filter, ImagePair, PairImage, PairView};
use crate::app::panels::PanelId;
use crate::app::state::{NAME_LENGTH, Rating, STARS, Subject, bounded_note};
use crate::app::window::WhenceApp;

impl WhenceApp {
    /// The image that keys rate: the selected training image where the library or the map is in front, else the query.
    fn rated_image(&self) -> Option<Subject> {
        let browsing = self.dock.shown().iter().any(|p| matches!(p, PanelId::Library | PanelId::Embedding));
        let image = self.state.image.filter(|_| browsing).zip(self.state.dataset.as_ref());
        let image = image.map(|(image, dataset)| Subject::Image(dataset.image_name(image).to_owned()));
        image.or_else(|| self.state.current.map(Subject::Query))
    }

    /// Changes the rating of the image that is selected, and says so.
    pub(super) fn rate(&mut self, ctx: &Context, change: impl FnOnce(Rating) -> Rating) {
        let Some(subject) = self.rated_image() else { return };
        let Some((name, rating)) = self.rating_of(&subject) else { return };
        let rating = change(rating);
        self.set_rating(&subject, rating);
        let words = rating.words();
        self.toast(ctx, if words.is_empty() { format!("{name}: no stars") } else { format!("{name}: {words}") });
    }

    /// Gives five stars, or takes all away.
    pub(super) fn star(&mut self, ctx: &Context) {
        self.rate(ctx, |rating| Rating { stars: if rating.stars > 0 { 0 } else { STARS }, ..rating });
    }

    fn rating_of(&self, subject: &Subject) -> Option<(String, Rating)> {
        match subject {
            Subject::Query(key) => {
                self.state.queries.iter().find(|q| q.key == *key).map(|q| (q.image.name.clone(), q.rating))
            }
            Subject::Image(name) => Some((name.clone(), self.state.annotations.rating(name))),
            Subject::Group(_) => None,
        }
    }

    pub(super) fn set_rating(&mut self, subject: &Subject, rating: Rating) {
        match subject {
            Subject::Query(key) => {
                if let Some(query) = self.state.query_mut(*key) {
                    query.rating = rating;
                }
            }
            Subject::Image(name) => self.state.annotations.rate(name, rating),
            Subject::Group(_) => {}
        }
    }

    pub(super) fn note(&mut self, subject: &Subject, note: &str) {
        match subject {
            Subject::Query(key) => {
                if let Some(query) = self.state.query_mut(*key) {
                    query.note = if note.trim().is_empty() { String::new() } else { bounded_note(note) };
                }
            }
            Subject::Image(name) => self.state.annotations.note_image(name, note),
            Subject::Group(name) => self.state.annotations.note_group(name, note),
        }
    }

    /// Shows the selected training image beside the one selected before, else beside the query. Shown already: closes it.
    pub(super) fn show_pair(&mut self) {
        if self.library.pair.take().is_some() {
            return;
        }
        let Some(image) = self.state.image else { return };
        let before = self.library.previous.filter(|other| *other != image).map(PairImage::Training);
        let other = before.or_else(|| self.state.current.map(PairImage::Query));
        let neighbour = || PairImage::Training(if image == 0 { 1 } else { image - 1 });
        self.open_pair([other.unwrap_or_else(neighbour), PairImage::Training(image)]);
    }

    fn open_pair(&mut self, images: [PairImage; 2]) {
        let view = self.library.pair.map_or_else(PairView::default, |pair| pair.view);
        self.library.pair = Some(ImagePair { images, view });
        self.library.loupe = false;
        self.dock.show(PanelId::Library);
    }

    pub(super) fn save_filter(&mut self, ctx: &Context, name: &str) {
        let (Some(dataset), Some(name)) = (&self.state.dataset, name_of(name)) else { return };
        let filter = self.library.options.filter.save(&name, dataset);
        self.state.annotations.save_filter(filter);
        self.toast(ctx, format!("Filter \u{201c}{name}\u{201d} saved"));
    }

    pub(super) fn use_filter(&mut self, name: &str) {
        let Some(dataset) = &self.state.dataset else { return };
        let Some(saved) = self.state.annotations.filters.iter().find(|f| f.name == name) else { return };
        self.library.options.filter = Filter::load(saved, dataset);
    }
}

/// A name as it is saved; none where it is empty.
pub(super) fn name_of(name: &str) -> Option<String> {
    let name: String = name.trim().chars().take(NAME_LENGTH).collect();
    (!name.is_empty()).then_some(name)
}
