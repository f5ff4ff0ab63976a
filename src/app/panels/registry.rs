//! The panels of the middle of the window. Everything that names a panel is derived from this table: tabs, the actions,
//! keys and palette entries that show it, the help, and the default layout.
//!
//! To add a panel, write its file, declare the module in `panels/mod.rs`, and add it to [`PanelId`] and its `info` here.

use egui::{Key, Ui};
use serde::{Deserialize, Serialize};

use super::{View, compare, embedding, evidence, library, query_image, ranking, score_map, unlearning, wall};

/// A panel of the middle. The names are saved with the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PanelId {
    /// The query image, and the button that explains it.
    Image,
    /// The score of each group.
    Ranking,
    /// Training images of the selected group.
    Evidence,
    /// Where in the image, and at which timesteps, scores come from.
    #[serde(rename = "Where")]
    ScoreMap,
    /// The image regenerated without each group.
    Wall,
    /// All training images.
    Library,
    /// One group's unlearning, step by step.
    Unlearning,
    /// Rankings by several methods.
    Compare,
    /// Training images and queries as points on a plane.
    Embedding,
}

/// Where the default layout puts a panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Placement {
    /// At the left of the first tab, with this share of its width.
    ExplainLeft(f32),
    /// In the column at the right of the first tab, with this share of its height.
    ExplainRight(f32),
    /// On a tab of its own.
    Tab,
}

/// A panel as the rest of the window knows it.
#[derive(Clone, Copy)]
pub struct PanelInfo {
    /// Its name on a tab.
    pub title: &'static str,
    /// What it shows, in a phrase.
    pub description: &'static str,
    /// The key that brings it to the front. Panels without one have no action: they are parts of another's tab.
    pub key: Option<Key>,
    /// Where the default layout puts it.
    pub placement: Placement,
    /// Whether it is empty until the project is open, so that a note takes its place while the project is being opened.
    pub needs_project: bool,
    /// Draws it.
    pub show: fn(&mut Ui, &mut View<'_>),
}

impl PanelId {
    /// All panels, in the order of the tabs.
    pub const ALL: [Self; 9] = [
        Self::Image,
        Self::Ranking,
        Self::Evidence,
        Self::ScoreMap,
        Self::Wall,
        Self::Library,
        Self::Unlearning,
        Self::Compare,
        Self::Embedding,
    ];

    /// The panel's row of the table.
    pub fn info(self) -> PanelInfo {
        match self {
            Self::Image => PanelInfo {
                title: "Image",
                description: "The query image",
                key: None,
                placement: Placement::ExplainLeft(0.44),
                needs_project: true,
                show: query_image::show,
            },
            Self::Ranking => PanelInfo {
                title: "Explain",
                description: "Query image, ranking of the groups, and evidence",
                key: Some(Key::Num1),
                placement: Placement::ExplainRight(0.62),
                needs_project: false,
                show: ranking::show,
            },
            Self::Evidence => PanelInfo {
                title: "Evidence",
                description: "Training images of the selected group",
                key: None,
                placement: Placement::ExplainRight(0.38),
                needs_project: false,
                show: evidence::show,
            },
            Self::ScoreMap => PanelInfo {
                title: "Where and when",
                description: "Where in the image, and at which timesteps, a group's score comes from",
                key: Some(Key::Num2),
                placement: Placement::Tab,
                needs_project: true,
                show: score_map::show,
            },
            Self::Wall => PanelInfo {
                title: "Wall",
                description: "The image regenerated without each group",
                key: Some(Key::Num3),
                placement: Placement::Tab,
                needs_project: true,
                show: wall::show,
            },
            Self::Library => PanelInfo {
                title: "Library",
                description: "All training images, by group",
                key: Some(Key::Num4),
                placement: Placement::Tab,
                needs_project: true,
                show: library::show,
            },
            Self::Unlearning => PanelInfo {
                title: "Unlearning",
                description: "One group's unlearning, step by step",
                key: Some(Key::Num5),
                placement: Placement::Tab,
                needs_project: true,
                show: unlearning::show,
            },
            Self::Compare => PanelInfo {
                title: "Compare",
                description: "Rankings by several methods, side by side",
                key: Some(Key::Num6),
                placement: Placement::Tab,
                needs_project: true,
                show: compare::show,
            },
            Self::Embedding => PanelInfo {
                title: "Embedding",
                description: "Training images and queries as points: what is alike lies together",
                key: Some(Key::Num7),
                placement: Placement::Tab,
                needs_project: true,
                show: embedding::show,
            },
        }
    }

    /// Its name on a tab.
    pub fn title(self) -> &'static str {
        self.info().title
    }

    /// The panels that have an action and a key, in the order of the tabs.
    pub fn with_action() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|panel| panel.info().key.is_some())
    }

    /// Whether the default layout puts it on the first tab.
    pub fn is_on_explain_tab(self) -> bool {
        self.info().placement != Placement::Tab
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn panels_are_listed_once_with_their_own_title_and_key() {
        let ids: HashSet<PanelId> = PanelId::ALL.into();
        let titles: HashSet<&str> = PanelId::ALL.into_iter().map(PanelId::title).collect();
        let keys: HashSet<Key> = PanelId::ALL.into_iter().filter_map(|panel| panel.info().key).collect();
        assert_eq!((ids.len(), titles.len()), (PanelId::ALL.len(), PanelId::ALL.len()));
        assert_eq!(keys.len(), PanelId::with_action().count());
        for panel in PanelId::ALL.into_iter().filter(|panel| !panel.is_on_explain_tab()) {
            assert!(panel.info().key.is_some(), "{panel:?} has a tab of its own and no key");
        }
    }

    #[test]
    fn saved_layouts_keep_the_names_of_earlier_versions() {
        let names = PanelId::ALL.map(|panel| serde_json::to_string(&panel).unwrap());
        let saved = ["Image", "Ranking", "Evidence", "Where", "Wall", "Library", "Unlearning", "Compare", "Embedding"];
        assert_eq!(names, saved.map(|name| format!("\"{name}\"")));
    }
}
