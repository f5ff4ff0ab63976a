//! Which training images the library shows, and in which order. Orders are made off the window's thread.

mod filter;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

pub use filter::{Filter, RatingFilter, Rejects};

use super::background_tasks::{BackgroundTasks, Message};
use super::state::{Rating, State};
use super::task_failures;
use super::widgets::image_grid::{GridEvent, ImageGrid, Section};
use whence_data::{Dataset, natural_cmp, nearest_among};
use whence_jobs::AffectedImage;

/// An order of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By group, under headers.
    #[default]
    Group,
    /// By name.
    Name,
    /// Nearest to the query image first.
    Query,
    /// Nearest to this training image first.
    Similar(usize),
    /// The most affected by unlearning first.
    MostAffected,
}

/// Which images, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibraryOptions {
    /// Which.
    pub filter: Filter,
    /// Their order.
    pub sort: Sort,
}

/// What an arrangement was made of: another key, another arrangement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    dataset: u64,
    options: LibraryOptions,
    /// The query, where the order depends on it.
    query: Option<u64>,
    /// The ratings, where the filter is by them.
    ratings: Option<Arc<BTreeMap<String, Rating>>>,
    /// The most affected images, where the order is theirs.
    affected: Option<Vec<usize>>,
}

/// Images in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// The images.
    pub order: Vec<u32>,
    /// How they fall into groups.
    pub sections: Vec<Section>,
    /// Whether images of several groups are mixed, without headers.
    pub mixed: bool,
}

/// One of two images side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairImage {
    /// A training image.
    Training(usize),
    /// A query, by key.
    Query(u64),
}

/// Two images side by side, with the same zoom and the same place in the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImagePair {
    /// At the left and at the right.
    pub images: [PairImage; 2],
    /// What is shown of both.
    pub view: PairView,
}

/// What is shown of both images of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairView {
    /// Screen pixels per pixel of an image; none where all of it fits.
    pub zoom: Option<f32>,
    /// The place in the middle, as a share of width and height.
    pub middle: [f32; 2],
}

impl Default for PairView {
    fn default() -> Self {
        Self { zoom: None, middle: [0.5, 0.5] }
    }
}

/// Smallest and largest tiles.
pub const SIDES: std::ops::RangeInclusive<f32> = 16.0..=256.0;

/// The library, as it is seen.
pub struct Library {
    /// Whether it is on screen.
    pub open: bool,
    /// What to show.
    pub options: LibraryOptions,
    /// Longer side of tiles.
    pub side: f32,
    /// Whether the selected image is shown large.
    pub loupe: bool,
    /// Two images side by side.
    pub pair: Option<ImagePair>,
    /// The training image that was selected before the one that is.
    pub previous: Option<usize>,
    /// The tiles.
    pub grid: ImageGrid,
    shown: Option<(Key, Arrangement)>,
    under_way: Option<Key>,
    version: u64,
}

impl Default for Library {
    fn default() -> Self {
        Self {
            open: false,
            options: LibraryOptions::default(),
            side: 64.0,
            loupe: false,
            pair: None,
            previous: None,
            grid: ImageGrid::default(),
            shown: None,
            under_way: None,
            version: 0,
        }
    }
}

impl Library {
    /// What is shown of this dataset; the arrangement before while the next is made.
    pub fn arrangement(&self, dataset: u64) -> Option<(&Arrangement, u64)> {
        self.shown.as_ref().filter(|(key, _)| key.dataset == dataset).map(|(_, a)| (a, self.version))
    }

    /// Lets the wall show the arrangement of this dataset.
    pub fn with_grid(
        &mut self,
        dataset: u64,
        show: impl FnOnce(&mut ImageGrid, &Arrangement, u64) -> Vec<GridEvent>,
    ) -> Vec<GridEvent> {
        match self.shown.as_ref().filter(|(key, _)| key.dataset == dataset) {
            Some((_, arrangement)) => show(&mut self.grid, arrangement, self.version),
            None => Vec::new(),
        }
    }

    /// Whether the arrangement that matches the options is still being made.
    pub fn is_behind(&self) -> bool {
        self.under_way.is_some()
    }

    /// Makes tiles larger, or smaller where negative.
    pub fn resize(&mut self, steps: i32) {
        // Four steps double.
        self.side = (self.side * 2f32.powf(steps as f32 / 4.0)).round().clamp(*SIDES.start(), *SIDES.end());
    }

    /// Starts arranging where the options changed.
    pub fn arrange(&mut self, state: &State, background_tasks: &BackgroundTasks) {
        let Some(dataset) = state.dataset.as_ref().filter(|_| self.open && self.under_way.is_none()) else { return };
        self.correct(state, dataset);
        let (by_query, by_loss) = (self.options.sort == Sort::Query, self.options.sort == Sort::MostAffected);
        let key = Key {
            dataset: state.dataset_id,
            options: self.options.clone(),
            query: state.current.filter(|_| by_query),
            ratings: (!self.options.filter.ratings.is_open()).then(|| state.annotations.ratings.clone()),
            affected: affected_images(state)
                .filter(|_| by_loss)
                .map(|images| images.iter().map(|image| image.index).collect()),
        };
        if self.shown.as_ref().is_some_and(|(shown, _)| *shown == key) {
            return;
        }
        let pixels = match self.options.sort {
            Sort::Query => state.query().map(|q| q.image.pixels.clone()),
            Sort::Similar(image) => Some(dataset.pixels(image).to_vec()),
            _ => None,
        };
        let (requested, dataset) = (key.clone(), dataset.clone());
        background_tasks.run(task_failures::ARRANGE, move || {
            let arrangement = arrange(&dataset, &requested, pixels.as_deref());
            Message::Arranged(requested, arrangement)
        });
        self.under_way = Some(key);
    }

    /// Takes an order that was made.
    pub fn take(&mut self, key: Key, arrangement: Arrangement) {
        self.under_way = None;
        self.version += 1;
        self.shown = Some((key, arrangement));
    }

    /// The order that is being made will not come: nothing is shown until something else is wished for. The same again would
    /// only fail again.
    pub fn give_up(&mut self) {
        if let Some(key) = self.under_way.take() {
            self.take(key, Arrangement::default());
        }
    }

    /// Resets options that do not fit this dataset and this query.
    fn correct(&mut self, state: &State, dataset: &Dataset) {
        if self.shown.as_ref().is_some_and(|(key, _)| key.dataset != state.dataset_id) {
            (self.options, self.loupe) = (LibraryOptions::default(), false);
            (self.pair, self.previous) = (None, None);
        }
        let possible = match self.options.sort {
            Sort::Group | Sort::Name => true,
            Sort::Query => can_compare(state),
            Sort::Similar(image) => image < dataset.len(),
            Sort::MostAffected => affected_images(state).is_some(),
        };
        if !possible {
            self.options.sort = Sort::Group;
        }
        self.options.filter.groups.retain(|g| *g < dataset.groups().len());
    }
}

/// Whether the query image can be compared with the training images.
pub fn can_compare(state: &State) -> bool {
    let shape = state.dataset.as_ref().map(Dataset::shape);
    state.query().is_some_and(|q| Some(q.image.shape) == shape)
}

/// The selected group's images by how much unlearning the group affected them, the most affected first, where known.
pub fn affected_images(state: &State) -> Option<&[AffectedImage]> {
    state.query()?.evidence.affected.get(&state.group?).map(Vec::as_slice)
}

/// Makes the order.
fn arrange(dataset: &Dataset, key: &Key, pixels: Option<&[u8]>) -> Arrangement {
    let LibraryOptions { filter, sort } = &key.options;
    let none = BTreeMap::new();
    let admits = filter.condition(dataset, key.ratings.as_deref().unwrap_or(&none));
    let groups = (0..dataset.groups().len()).filter(|group| filter.shows_group(*group));
    let (mut images, mut sections) = (Vec::new(), Vec::new());
    for g in groups {
        let before = images.len();
        images.extend(dataset.indices_of(g).iter().copied().filter(|image| admits(*image)));
        sections.push(Section { group: Some(g), count: images.len() - before });
    }
    match sort {
        Sort::Group => {}
        Sort::Name => images.sort_by(|a, b| natural_cmp(dataset.image_name(*a), dataset.image_name(*b))),
        Sort::Query | Sort::Similar(_) => {
            if let Some(pixels) = pixels {
                let near = nearest_among(dataset, pixels, &images, images.len());
                images = near.into_iter().map(|n| n.index).collect();
            }
        }
        Sort::MostAffected => {
            let here: HashSet<usize> = images.into_iter().collect();
            images = key.affected.iter().flatten().copied().filter(|image| here.contains(image)).collect();
        }
    }
    let mut mixed = false;
    if *sort != Sort::Group {
        sections = vec![Section { group: None, count: images.len() }];
        let mut groups = images.iter().map(|image| dataset.group_of(*image));
        let first = groups.next();
        mixed = groups.any(|group| Some(group) != first);
    }
    Arrangement { order: images.into_iter().filter_map(|image| u32::try_from(image).ok()).collect(), sections, mixed }
}
