//! Undo and redo of what is shown and selected. What was computed is never undone.

use std::collections::BTreeSet;

use super::panels::PanelId;

/// Steps that can be undone.
const LENGTH: usize = 200;

/// What is shown and selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Key of the query on screen.
    pub query: Option<u64>,
    /// The selected group.
    pub group: Option<usize>,
    /// Tabs in front.
    pub tabs: Vec<PanelId>,
    /// Keys of the queries with a star.
    pub stars: BTreeSet<u64>,
}

impl Moment {
    /// What is different in another moment, in a word.
    pub fn difference(&self, other: &Self) -> &'static str {
        if self.query != other.query {
            "image"
        } else if self.stars != other.stars {
            "star"
        } else if self.group != other.group {
            "selection"
        } else {
            "tab"
        }
    }
}

/// The moments before and after the present.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Moment>,
    present: Moment,
    future: Vec<Moment>,
    ground: Ground,
}

/// What moments are about: the number of the dataset, and the model's hash. Groups are counted anew in another dataset.
pub type Ground = (u64, Option<String>);

impl History {
    /// The user changed something. Where nothing is different, nothing is remembered.
    pub fn record(&mut self, moment: Moment) {
        if moment == self.present {
            return;
        }
        self.past.push(std::mem::replace(&mut self.present, moment));
        if self.past.len() > LENGTH {
            self.past.remove(0);
        }
        self.future.clear();
    }

    /// Something changed by itself, such as an image that was opened: that is no step of its own.
    pub fn follow(&mut self, moment: Moment) {
        self.present = moment;
    }

    /// Moments of other images or another model say nothing about these: they are forgotten.
    pub fn stand_on(&mut self, ground: Ground, moment: Moment) {
        if self.ground != ground {
            self.forget(moment);
            self.ground = ground;
        }
    }

    /// Everything is another, as after opening another project.
    pub fn forget(&mut self, moment: Moment) {
        *self = Self { present: moment, ground: std::mem::take(&mut self.ground), ..Self::default() };
    }

    /// Whether there is a moment before.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is a moment after.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Goes back to the last moment that is still possible and not as now. `possible` takes out of a moment what is
    /// gone since.
    pub fn undo(&mut self, possible: impl Fn(Moment) -> Moment) -> Option<Moment> {
        let found = step(&mut self.past, &self.present, possible)?;
        self.future.push(std::mem::replace(&mut self.present, found.clone()));
        Some(found)
    }

    /// Goes forward again.
    pub fn redo(&mut self, possible: impl Fn(Moment) -> Moment) -> Option<Moment> {
        let found = step(&mut self.future, &self.present, possible)?;
        self.past.push(std::mem::replace(&mut self.present, found.clone()));
        Some(found)
    }
}

fn step(from: &mut Vec<Moment>, present: &Moment, possible: impl Fn(Moment) -> Moment) -> Option<Moment> {
    while let Some(moment) = from.pop() {
        let moment = possible(moment);
        if moment != *present {
            return Some(moment);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(group: usize) -> Moment {
        Moment { query: Some(1), group: Some(group), tabs: vec![PanelId::Ranking], stars: BTreeSet::new() }
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
            history.stand_on(ground(), group(0));
            assert!(!history.can_undo() && !history.can_redo(), "{number} {model:?}");
            history.record(group(1));
            history.record(group(2));
            history.undo(|m| m);
            history.stand_on(ground(), group(1));
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
        let possible = |mut m: Moment| {
            m.query = Some(1);
            m
        };
        assert_eq!(history.undo(possible), Some(group(0)), "the moment between looks as now");
    }

    #[test]
    fn what_was_undone_has_a_name() {
        let mut star = group(1);
        star.stars.insert(1);
        assert_eq!(group(1).difference(&star), "star");
        assert_eq!(group(1).difference(&group(2)), "selection");
        assert_eq!(group(1).difference(&Moment { tabs: vec![PanelId::Wall], ..group(1) }), "tab");
        assert_eq!(group(1).difference(&Moment { query: None, ..group(1) }), "image");
    }
}
