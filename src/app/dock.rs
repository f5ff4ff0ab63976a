//! The layout of the middle of the window: panels in tabs, which can be dragged beside each other.

use std::collections::HashSet;

use egui::{Id, Rect};
use egui_tiles::{Container, Linear, LinearDir, Tabs, Tile, TileId, Tiles, Tree};

use super::panels::{PanelId, Placement};

/// Panels that layouts of earlier versions do not have: they get a tab of their own.
const ADDED: [PanelId; 1] = [PanelId::Embedding];

/// The panels and how they are laid out.
pub struct Dock {
    pub(super) tree: Tree<PanelId>,
}

/// A layout as text. Two are equal where the same panels lie in the same tabs, rows and columns, whatever their sizes and
/// whichever tabs are in front.
#[derive(Clone, Debug, Default)]
pub struct SavedLayout {
    structure: String,
    text: String,
}

impl PartialEq for SavedLayout {
    fn eq(&self, other: &Self) -> bool {
        self.structure == other.structure
    }
}

impl Eq for SavedLayout {}

impl SavedLayout {
    /// Reads it.
    ///
    /// # Errors
    /// As [`Dock::read`].
    pub fn read(&self) -> Result<Dock, String> {
        Dock::read(&self.text)
    }
}

impl Default for Dock {
    fn default() -> Self {
        let mut tiles = Tiles::default();
        let (mut left, mut right, mut tabs) = (Vec::new(), Vec::new(), Vec::new());
        for panel in PanelId::ALL {
            let tile = tiles.insert_pane(panel);
            match panel.info().placement {
                Placement::ExplainLeft(share) => left.push((tile, share)),
                Placement::ExplainRight(share) => right.push((tile, share)),
                Placement::Tab => tabs.push(tile),
            }
        }
        let left_share: f32 = left.iter().map(|(_, share)| share).sum();
        let column = insert_linear(&mut tiles, LinearDir::Vertical, &right);
        left.push((column, 1.0 - left_share));
        let explain = insert_linear(&mut tiles, LinearDir::Horizontal, &left);
        tabs.insert(0, explain);
        let root = tiles.insert_tab_tile(tabs);
        Self::from_parts(root, tiles)
    }
}

/// Adds a row or column of tiles with these shares of its length.
fn insert_linear(tiles: &mut Tiles<PanelId>, direction: LinearDir, children: &[(TileId, f32)]) -> TileId {
    let mut linear = Linear::new(direction, children.iter().map(|(tile, _)| *tile).collect());
    for (tile, share) in children {
        // The library's shares are 1 on average.
        linear.shares.set_share(*tile, children.len() as f32 * share);
    }
    tiles.insert_container(linear)
}

impl Dock {
    /// Widgets derive their ids from the tree's. It is unique, so that no state of an earlier layout is reused.
    fn from_parts(root: TileId, tiles: Tiles<PanelId>) -> Self {
        Self { tree: Tree::new(Id::unique("dock"), root, tiles) }
    }

    /// Brings a panel's tab to the front.
    pub fn show(&mut self, panel: PanelId) {
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(id) if *id == panel));
    }

    /// The panels in front that have an action, in the order of the tabs.
    pub fn shown(&self) -> Vec<PanelId> {
        let front: HashSet<PanelId> =
            self.tree.active_tiles().iter().filter_map(|id| self.tree.tiles.get_pane(id).copied()).collect();
        PanelId::with_action().filter(|panel| front.contains(panel)).collect()
    }

    /// The rectangle of a panel on screen; none before its first frame.
    pub fn rect_of(&self, panel: PanelId) -> Option<Rect> {
        self.tree.tiles.rect(self.tree.tiles.find_pane(&panel)?)
    }

    /// The layout as JSON, to be saved.
    pub fn write(&self) -> Option<String> {
        serde_json::to_string(&self.tree).ok()
    }

    /// The layout, to be compared and to be gone back to.
    pub fn layout(&self) -> SavedLayout {
        let structure = self.tree.root.map_or_else(String::new, |root| structure(&self.tree.tiles, root));
        SavedLayout { structure, text: self.write().unwrap_or_default() }
    }

    /// Reads a saved layout.
    ///
    /// # Errors
    /// The text is not a layout, or not one with every panel exactly once.
    pub fn read(text: &str) -> Result<Self, String> {
        let tree: Tree<PanelId> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let root = tree.root.ok_or("it is empty")?;
        let mut missing: HashSet<PanelId> = PanelId::ALL.into();
        check(&tree.tiles, root, &mut HashSet::new(), &mut missing)?;
        let (mut root, mut tiles) = (root, tree.tiles);
        for panel in ADDED.into_iter().filter(|panel| missing.remove(panel)) {
            root = add_tab(&mut tiles, root, panel);
        }
        match missing.iter().next() {
            Some(panel) => Err(format!("it has no panel {}", panel.title())),
            None => Ok(Self::from_parts(root, tiles)),
        }
    }
}

/// Adds a panel as the last tab of a layout. Returns the layout's root.
fn add_tab(tiles: &mut Tiles<PanelId>, root: TileId, panel: PanelId) -> TileId {
    let tile = tiles.insert_pane(panel);
    if let Some(Tile::Container(Container::Tabs(tabs))) = tiles.get_mut(root) {
        tabs.add_child(tile);
        return root;
    }
    let mut tabs = Tabs::new(vec![root, tile]);
    tabs.set_active(root);
    tiles.insert_container(tabs)
}

/// Checks that every tile below `tile` exists, is visible and occurs once, and takes its panels out of `missing`.
fn check(
    tiles: &Tiles<PanelId>,
    tile: TileId,
    visited: &mut HashSet<TileId>,
    missing: &mut HashSet<PanelId>,
) -> Result<(), String> {
    if !visited.insert(tile) {
        return Err("one of its tiles occurs twice".into());
    }
    match tiles.get(tile) {
        None => Err("one of its tiles does not exist".into()),
        Some(Tile::Pane(panel)) if !missing.remove(panel) => Err(format!("panel {} occurs twice", panel.title())),
        Some(Tile::Pane(_)) if !tiles.is_visible(tile) => Err("one of its tiles is hidden".into()),
        Some(Tile::Pane(_)) => Ok(()),
        Some(Tile::Container(container)) => {
            for child in container.children() {
                check(tiles, *child, visited, missing)?;
            }
            Ok(())
        }
    }
}

/// The panels below a tile and how they are nested, without what the dock simplifies by itself: containers of one.
fn structure(tiles: &Tiles<PanelId>, tile: TileId) -> String {
    let container = match tiles.get(tile) {
        Some(Tile::Pane(panel)) => return panel.title().to_owned(),
        Some(Tile::Container(container)) => container,
        None => return String::new(),
    };
    let kind = match container {
        Container::Tabs(_) => "tabs",
        Container::Linear(linear) if linear.dir == LinearDir::Horizontal => "row",
        Container::Linear(_) => "column",
        Container::Grid(_) => "grid",
    };
    let mut parts = Vec::new();
    for child in container.children() {
        let part = structure(tiles, *child);
        // A row in a row is one row.
        match part.strip_prefix(kind).and_then(|rest| rest.strip_prefix('(')).filter(|_| kind != "tabs") {
            Some(inner) => parts.push(inner.strip_suffix(')').unwrap_or(inner).to_owned()),
            None if part.is_empty() => {}
            None => parts.push(part),
        }
    }
    match parts.len() {
        0 | 1 => parts.pop().unwrap_or_default(),
        _ => format!("{kind}({})", parts.join(",")),
    }
}

/// The panels in a tile, in order.
pub fn panels_in(tiles: &Tiles<PanelId>, tile: TileId) -> Vec<PanelId> {
    match tiles.get(tile) {
        Some(Tile::Pane(panel)) => vec![*panel],
        Some(Tile::Container(container)) => {
            let mut panels = Vec::new();
            for child in Container::children_vec(container) {
                panels.extend(panels_in(tiles, child));
            }
            panels
        }
        None => Vec::new(),
    }
}

/// The title of a tab with these panels: that of the ranking alone where it is among them, else all titles.
pub fn title(panels: &[PanelId]) -> String {
    if panels.contains(&PanelId::Ranking) {
        return PanelId::Ranking.title().into();
    }
    panels.iter().map(|panel| panel.title()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn showing_a_panel_brings_its_tab_to_the_front_and_a_saved_layout_restores_it() {
        let mut dock = Dock::default();
        assert_eq!(dock.shown(), [PanelId::Ranking]);
        for panel in PanelId::with_action() {
            dock.show(panel);
            assert_eq!(dock.shown(), [panel]);
            let restored = Dock::read(&dock.write().unwrap()).unwrap();
            assert_eq!(restored.shown(), [panel]);
        }
    }

    #[test]
    fn layouts_with_missing_or_repeated_panels_are_refused() {
        assert!(Dock::read("no layout").is_err());
        let mut dock = Dock::default();
        let wall = dock.tree.tiles.find_pane(&PanelId::Wall).unwrap();
        dock.tree.tiles.insert(wall, Tile::Pane(PanelId::Library));
        let text = dock.write().unwrap();
        assert!(Dock::read(&text).err().unwrap().contains("twice"), "two libraries");
        dock.tree.remove_recursively(wall);
        let error = Dock::read(&dock.write().unwrap()).err().unwrap();
        assert!(error.contains("no panel Wall") || error.contains("does not exist"), "{error}");
        let mut hidden = Dock::default();
        let wall = hidden.tree.tiles.find_pane(&PanelId::Wall).unwrap();
        hidden.tree.tiles.set_visible(wall, false);
        assert!(Dock::read(&hidden.write().unwrap()).is_err(), "nothing on screen would show it again");
    }

    #[test]
    fn layouts_of_earlier_versions_get_the_panels_that_are_new() {
        let mut dock = Dock::default();
        let new = dock.tree.tiles.find_pane(&PanelId::Embedding).unwrap();
        dock.tree.remove_recursively(new);
        let read = Dock::read(&dock.write().unwrap()).unwrap();
        assert_eq!(read.layout(), Dock::default().layout());
        assert_eq!(read.shown(), dock.shown(), "the tab in front stays there");
    }

    #[test]
    fn layouts_differ_by_where_panels_are_and_not_by_what_is_in_front() {
        let mut dock = Dock::default();
        let before = dock.layout();
        dock.show(PanelId::Wall);
        assert_eq!(dock.layout(), before);
        let (wall, library) =
            (dock.tree.tiles.find_pane(&PanelId::Wall).unwrap(), dock.tree.tiles.find_pane(&PanelId::Library).unwrap());
        dock.tree.tiles.insert(wall, Tile::Pane(PanelId::Library));
        dock.tree.tiles.insert(library, Tile::Pane(PanelId::Wall));
        assert_ne!(dock.layout(), before);
        let changed = dock.layout();
        assert_eq!(changed.read().unwrap().layout(), changed);
        // What the dock adds by itself is no change.
        let root = before.read().unwrap();
        let mut wrapped = root;
        let inner = wrapped.tree.root.unwrap();
        wrapped.tree.root = Some(wrapped.tree.tiles.insert_tab_tile(vec![inner]));
        assert_eq!(wrapped.layout(), before);
    }

    #[test]
    fn a_tab_with_the_ranking_is_titled_explain() {
        assert_eq!(title(&[PanelId::Image, PanelId::Ranking]), "Explain");
        assert_eq!(title(&[PanelId::Wall, PanelId::Library]), "Wall, Library");
        let dock = Dock::default();
        let root = dock.tree.root.unwrap();
        assert_eq!(panels_in(&dock.tree.tiles, root).len(), PanelId::ALL.len());
    }
}
