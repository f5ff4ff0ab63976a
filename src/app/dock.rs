//! The middle of the window: panes in tabs that can be dragged beside each other.

use std::collections::HashSet;

use egui::{Id, Rect};
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

/// One view of the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pane {
    /// The image asked about.
    Image,
    /// How much each group mattered.
    Ranking,
    /// What speaks for the selected group.
    Evidence,
    /// Where in the image, and when on the way from noise.
    Where,
    /// The image drawn again without each group.
    Wall,
    /// All training images.
    Library,
    /// One group's unlearning, step by step.
    Unlearning,
    /// Several methods' rankings.
    Compare,
}

impl Pane {
    /// All, in the order of the tabs.
    pub const ALL: [Self; 8] = [
        Self::Image,
        Self::Ranking,
        Self::Evidence,
        Self::Where,
        Self::Wall,
        Self::Library,
        Self::Unlearning,
        Self::Compare,
    ];

    /// Its name on a tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Image => "Image",
            Self::Ranking => "Ranking",
            Self::Evidence => "Evidence",
            Self::Where => "Where and when",
            Self::Wall => "Wall",
            Self::Library => "Library",
            Self::Unlearning => "Unlearning",
            Self::Compare => "Compare",
        }
    }

    /// Whether it is a part of *Explain*, which needs no tab of its own.
    pub fn is_part(self) -> bool {
        matches!(self, Self::Image | Self::Ranking | Self::Evidence)
    }
}

/// What keys lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tab {
    /// Image, ranking and evidence.
    Explain,
    /// Where and when.
    Where,
    /// The wall.
    Wall,
    /// The library.
    Library,
    /// Unlearning.
    Unlearning,
    /// Comparison.
    Compare,
}

impl Tab {
    /// All, in order.
    pub const ALL: [Self; 6] = [Self::Explain, Self::Where, Self::Wall, Self::Library, Self::Unlearning, Self::Compare];

    /// Its name, as it is kept in images of a view.
    pub fn name(self) -> &'static str {
        if self == Self::Explain { "Explain" } else { self.pane().title() }
    }

    /// The pane that is certainly in it.
    pub fn pane(self) -> Pane {
        match self {
            Self::Explain => Pane::Ranking,
            Self::Where => Pane::Where,
            Self::Wall => Pane::Wall,
            Self::Library => Pane::Library,
            Self::Unlearning => Pane::Unlearning,
            Self::Compare => Pane::Compare,
        }
    }
}

/// The panes and how they lie.
pub struct Dock {
    pub(super) tree: Tree<Pane>,
}

impl Default for Dock {
    fn default() -> Self {
        let mut tiles = Tiles::default();
        let mut pane = |pane| tiles.insert_pane(pane);
        let (image, ranking, evidence) = (pane(Pane::Image), pane(Pane::Ranking), pane(Pane::Evidence));
        let others = [Pane::Where, Pane::Wall, Pane::Library, Pane::Unlearning, Pane::Compare].map(pane);
        let words = Linear::new_binary(LinearDir::Vertical, [ranking, evidence], 0.62);
        let words = tiles.insert_container(words);
        let explain = tiles.insert_container(Linear::new_binary(LinearDir::Horizontal, [image, words], 0.44));
        let root = tiles.insert_tab_tile(std::iter::once(explain).chain(others).collect());
        Self::of(root, tiles)
    }
}

impl Dock {
    /// Ids of widgets follow the tree's; it is never that of an earlier version.
    fn of(root: TileId, tiles: Tiles<Pane>) -> Self {
        Self { tree: Tree::new(Id::unique("dock"), root, tiles) }
    }

    /// Brings a tab to the front.
    pub fn show(&mut self, tab: Tab) {
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == tab.pane()));
    }

    /// The tabs that are in front.
    pub fn shown(&self) -> Vec<Tab> {
        let front: HashSet<Pane> =
            self.tree.active_tiles().iter().filter_map(|id| self.tree.tiles.get_pane(id).copied()).collect();
        Tab::ALL.into_iter().filter(|tab| front.contains(&tab.pane())).collect()
    }

    /// Where a pane is on screen.
    pub fn place(&self, pane: Pane) -> Option<Rect> {
        self.tree.tiles.rect(self.tree.tiles.find_pane(&pane)?)
    }

    /// As text, to be kept.
    pub fn write(&self) -> Option<String> {
        serde_json::to_string(&self.tree).ok()
    }

    /// From text that was kept.
    ///
    /// # Errors
    /// Where it is no layout, or not one of all panes.
    pub fn read(text: &str) -> Result<Self, String> {
        let tree: Tree<Pane> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let root = tree.root.ok_or("it is empty")?;
        let mut missing: HashSet<Pane> = Pane::ALL.into();
        check(&tree.tiles, root, &mut HashSet::new(), &mut missing)?;
        match missing.iter().next() {
            Some(pane) => Err(format!("it lacks {}", pane.title())),
            None => Ok(Self::of(root, tree.tiles)),
        }
    }
}

/// Every tile is there once, and every pane is there once.
fn check(
    tiles: &Tiles<Pane>,
    tile: TileId,
    seen: &mut HashSet<TileId>,
    missing: &mut HashSet<Pane>,
) -> Result<(), String> {
    if !seen.insert(tile) {
        return Err("a part of it is there twice".into());
    }
    match tiles.get(tile) {
        None => Err("a part of it is not there".into()),
        Some(Tile::Pane(pane)) if !missing.remove(pane) => Err(format!("{} is there twice", pane.title())),
        Some(Tile::Pane(_)) if !tiles.is_visible(tile) => Err("a part of it is hidden".into()),
        Some(Tile::Pane(_)) => Ok(()),
        Some(Tile::Container(container)) => {
            container.children().try_for_each(|child| check(tiles, *child, seen, missing))
        }
    }
}

/// The panes in a tile, in order.
pub fn panes_in(tiles: &Tiles<Pane>, tile: TileId) -> Vec<Pane> {
    match tiles.get(tile) {
        Some(Tile::Pane(pane)) => vec![*pane],
        Some(Tile::Container(container)) => {
            Container::children_vec(container).into_iter().flat_map(|child| panes_in(tiles, child)).collect()
        }
        None => Vec::new(),
    }
}

/// What a tab of several panes is called.
pub fn title(panes: &[Pane]) -> String {
    if panes.contains(&Pane::Ranking) {
        return "Explain".into();
    }
    panes.iter().map(|p| p.title()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_come_to_the_front_and_the_layout_survives_being_kept() {
        let mut dock = Dock::default();
        assert_eq!(dock.shown(), [Tab::Explain]);
        for tab in Tab::ALL {
            dock.show(tab);
            assert_eq!(dock.shown(), [tab]);
            let kept = Dock::read(&dock.write().unwrap()).unwrap();
            assert_eq!(kept.shown(), [tab]);
        }
    }

    #[test]
    fn layouts_that_lack_or_repeat_panes_are_refused() {
        assert!(Dock::read("no layout").is_err());
        let mut dock = Dock::default();
        let wall = dock.tree.tiles.find_pane(&Pane::Wall).unwrap();
        dock.tree.tiles.insert(wall, Tile::Pane(Pane::Library));
        let text = dock.write().unwrap();
        assert!(Dock::read(&text).err().unwrap().contains("twice"), "two libraries");
        dock.tree.remove_recursively(wall);
        let lacking = Dock::read(&dock.write().unwrap()).err().unwrap();
        assert!(lacking.contains("lacks Wall") || lacking.contains("not there"), "{lacking}");
        let mut hidden = Dock::default();
        let wall = hidden.tree.tiles.find_pane(&Pane::Wall).unwrap();
        hidden.tree.tiles.set_visible(wall, false);
        assert!(Dock::read(&hidden.write().unwrap()).is_err(), "nothing on screen would bring it back");
    }

    #[test]
    fn what_holds_the_ranking_is_called_explain() {
        assert_eq!(title(&[Pane::Image, Pane::Ranking]), "Explain");
        assert_eq!(title(&[Pane::Wall, Pane::Library]), "Wall, Library");
        let dock = Dock::default();
        let root = dock.tree.root.unwrap();
        assert_eq!(panes_in(&dock.tree.tiles, root).len(), Pane::ALL.len());
    }
}
