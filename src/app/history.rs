//! Undo and redo of view, selection, ratings and layout. Results are never undone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dock::SavedLayout;
use super::panels::PanelId;
use super::state::Rating;

/// Steps that can be undone.
const LENGTH: usize = 200;

/// View and selection at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Key of the query on screen.
    pub query: Option<u64>,
    /// The selected group.
    pub group: Option<usize>,
    /// Tabs in front.
    pub tabs: Vec<PanelId>,
    /// Ratings of the queries that have one, by key.
    pub ratings: BTreeMap<u64, Rating>,
    /// Ratings of the training images, by name.
    pub image_ratings: Arc<BTreeMap<String, Rating>>,
    /// How the tabs are laid out.
    pub layout: SavedLayout,
}

impl Snapshot {
    /// What is different in another snapshot, in a word.
    pub fn difference(&self, other: &Self) -> &'static str {
        if self.query != other.query {
            "image"
        } else if self.ratings != other.ratings || self.image_ratings != other.image_ratings {
            "rating"
        } else if self.group != other.group {
            "selection"
        } else if self.layout != other.layout {
            "layout"
        } else {
            "tab"
        }
    }
}

/// The snapshots before and after the present one.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Snapshot>,
    present: Snapshot,
    future: Vec<Snapshot>,
    scope: Scope,
}

/// What snapshots refer to: the dataset's id and the model's hash. Group indices hold for one dataset only.
pub type Scope = (u64, Option<String>);

impl History {
    /// Records a change by the user. An equal snapshot is no step.
    pub fn record(&mut self, snapshot: Snapshot) {
        if snapshot == self.present {
            return;
        }
        self.past.push(std::mem::replace(&mut self.present, snapshot));
        if self.past.len() > LENGTH {
            self.past.remove(0);
        }
        self.future.clear();
    }

    /// Something changed by itself, such as an image that was opened: that is not a step.
    pub fn follow(&mut self, snapshot: Snapshot) {
        self.present = snapshot;
    }

    /// Drops the snapshots of another dataset or model.
    pub fn set_scope(&mut self, scope: Scope, snapshot: Snapshot) {
        if self.scope != scope {
            self.forget(snapshot);
            self.scope = scope;
        }
    }

    /// Drops all snapshots, as after opening another project.
    pub fn forget(&mut self, snapshot: Snapshot) {
        *self = Self { present: snapshot, scope: std::mem::take(&mut self.scope), ..Self::default() };
    }

    /// Whether there is a step to undo.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is a step to redo.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Goes back to the last snapshot that differs from the present one. `restorable` removes from a snapshot what no longer
    /// exists.
    pub fn undo(&mut self, restorable: impl Fn(Snapshot) -> Snapshot) -> Option<Snapshot> {
        let found = step(&mut self.past, &self.present, restorable)?;
        self.future.push(std::mem::replace(&mut self.present, found.clone()));
        Some(found)
    }

    /// Goes forward again.
    pub fn redo(&mut self, restorable: impl Fn(Snapshot) -> Snapshot) -> Option<Snapshot> {
        let found = step(&mut self.future, &self.present, restorable)?;
        self.past.push(std::mem::replace(&mut self.present, found.clone()));
        Some(found)
    }
}

fn step(from: &mut Vec<Snapshot>, present: &Snapshot, restorable: impl Fn(Snapshot) -> Snapshot) -> Option<Snapshot> {
    while let Some(snapshot) = from.pop() {
        let snapshot = restorable(snapshot);
        if snapshot != *present {
            return Some(snapshot);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(group: usize) -> Snapshot {
        Snapshot { query: Some(1), group: Some(group), tabs: vec![PanelId::Ranking], ..Snapshot::default() }
    }

    #[test]
    fn steps_are_undone_and_redone_in_order() {
        let mut history = History::default();
        history.forget(group(0));
        (1..4).for_each(|g| history.record(group(g)));
        history.record(group(3));
        assert_eq!(history.undo(|m| m), Some(group(2)), "the same again was no step");
        assert_eq!(history.undo(|m| m), Some(group(1)));
        assert_eq!(history.redo(|m| m), Some(group(2)));
        assert_eq!(history.undo(|m| m), Some(group(1)));
        assert_eq!(history.undo(|m| m), Some(group(0)));
        assert!(!history.can_undo() && history.undo(|m| m).is_none());
        assert!(history.can_redo());
        history.record(group(9));
        assert!(!history.can_redo(), "a new step ends what was undone");
    }

    #[test]
    fn only_so_many_steps_are_kept() {
        let mut history = History::default();
        (0..1000).for_each(|g| history.record(group(g)));
        let mut steps = 0;
        while history.undo(|m| m).is_some() {
            steps += 1;
        }
        assert_eq!(steps, LENGTH);
    }

    #[test]
    fn what_happens_by_itself_is_no_step() {
        let mut history = History::default();
        history.forget(group(0));
        history.record(group(1));
        history.follow(group(7));
        assert_eq!(history.undo(|m| m), Some(group(0)));
        assert_eq!(history.redo(|m| m), Some(group(7)));
    }

    #[test]
    fn another_dataset_and_another_model_end_the_history() {
        let mut history = History::default();
        let grounds = [(1, None), (1, Some("a")), (2, Some("a")), (2, Some("b"))];
        for (number, model) in grounds {
            let ground = || (number, model.map(str::to_owned));
            history.set_scope(ground(), group(0));
            assert!(!history.can_undo() && !history.can_redo(), "{number} {model:?}");
            history.record(group(1));
            history.record(group(2));
            history.undo(|m| m);
            history.set_scope(ground(), group(1));
            assert!(history.can_undo() && history.can_redo(), "{number} {model:?}");
        }
    }

    #[test]
    fn moments_whose_image_is_gone_are_passed_over() {
        let mut history = History::default();
        let mut other = group(2);
        other.query = Some(5);
        history.forget(group(0));
        history.record(other);
        history.record(group(2));
        let restorable = |mut m: Snapshot| {
            m.query = Some(1);
            m
        };
        assert_eq!(history.undo(restorable), Some(group(0)), "the moment between looks as now");
    }

    #[test]
    fn what_was_undone_has_a_name() {
        let mut star = group(1);
        star.ratings.insert(1, Rating { stars: 3, rejected: false });
        assert_eq!(group(1).difference(&star), "rating");
        assert_eq!(group(1).difference(&group(2)), "selection");
        assert_eq!(group(1).difference(&Snapshot { tabs: vec![PanelId::Wall], ..group(1) }), "tab");
        assert_eq!(group(1).difference(&Snapshot { query: None, ..group(1) }), "image");
    }
}
