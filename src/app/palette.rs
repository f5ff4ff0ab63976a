//! Finding by a few letters: every action, group, image and project in one ranked list.

use egui::Context;

use super::actions::{Action, Command};
use super::shell::Shell;
use super::state::State;
use whence_jobs::Evidence;
use whence_methods::methods;

/// What is typed, and which line is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// The letters.
    pub text: String,
    /// Place in the ranked list.
    pub chosen: usize,
}

/// A line of the palette.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Keys, or what it is.
    pub detail: String,
    /// What it does.
    pub command: Command,
    /// Why it cannot be done now.
    pub refused: Option<&'static str>,
}

/// Everything that can be found.
pub fn entries(ctx: &Context, state: &State, shell: &Shell) -> Vec<Entry> {
    let actions = Action::all().filter(|a| *a != Action::Palette).map(|action| Entry {
        name: match action {
            Action::ShowPanel(_) => format!("Go to {}", action.text()),
            _ => action.text().to_owned(),
        },
        detail: action.keys(ctx),
        command: Command::Act(action),
        refused: action.ready(state, shell).err(),
    });
    let about = |name: String, detail: &str, command| Entry { name, detail: detail.into(), command, refused: None };
    let groups = state
        .groups()
        .iter()
        .enumerate()
        .map(|(i, name)| about(format!("Select {name}"), "group", Command::SelectGroup(Some(i))));
    let queries =
        state.queries.iter().map(|q| about(format!("Show {}", q.image.name), "image", Command::SelectQuery(q.key)));
    let recent = shell
        .recent
        .iter()
        .map(|r| about(format!("Open project {}", r.name), "recent project", Command::OpenRecent(r.path.clone())));
    let workspaces = shell
        .workspaces
        .iter()
        .map(|w| about(format!("Switch to workspace {}", w.name), "workspace", Command::UseWorkspace(w.name.clone())));
    let filters = state
        .annotations
        .filters
        .iter()
        .map(|f| about(format!("Filter the library by {}", f.name), "filter", Command::UseFilter(f.name.clone())));
    let named = groups.chain(queries).chain(recent).chain(workspaces).chain(filters);
    let mut all: Vec<Entry> = actions.chain(named).collect();
    all.extend(jobs(state));
    all
}

/// The jobs whose buttons are on the tabs.
fn jobs(state: &State) -> Vec<Entry> {
    let entry = |name: String, command, refused| Entry { name, detail: "job".into(), command, refused };
    let evidence = state.can_compute_evidence().err();
    let mut all = vec![
        entry("Regenerate without each group".into(), Command::ComputeEvidence(Evidence::Regenerate, None), evidence),
        entry("Map this image".into(), Command::ComputeEvidence(Evidence::Map, None), evidence),
        entry("Choose groups to score…".into(), Command::ChooseGroups, state.can_explain().err()),
    ];
    if let Some(group) = state.group {
        let name = state.group_name(group);
        for (text, what) in [
            (format!("Regenerate without {name}"), Evidence::Regenerate),
            (format!("Watch the unlearning of {name}"), Evidence::Watch),
            (format!("Find the images of {name} most affected by unlearning"), Evidence::MostAffected),
        ] {
            all.push(entry(text, Command::ComputeEvidence(what, Some(group)), evidence));
        }
    }
    let explain = state.can_explain().err();
    for method in methods() {
        let text = format!("Explain by {}", method.info().title);
        all.push(entry(text, Command::ExplainBy(method.name()), explain));
    }
    all
}

/// Places of the entries that have these letters in this order; best first, equally good ones as they come.
pub fn ranked(text: &str, entries: &[Entry]) -> Vec<usize> {
    let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let mut found: Vec<(i32, usize)> = entries
        .iter()
        .enumerate()
        .filter_map(|(place, entry)| {
            // What can be done comes before what cannot.
            let refused = if entry.refused.is_some() { 12 } else { 0 };
            Some((score(&letters, &entry.name)? - refused, place))
        })
        .collect();
    found.sort_by_key(|(score, place)| (-score, *place));
    found.into_iter().map(|(_, place)| place).collect()
}

/// How well letters fit a name: more for beginnings of words and for neighbours, less for long names.
fn score(letters: &[char], name: &str) -> Option<i32> {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    if letters.is_empty() {
        return Some(0);
    }
    // best[i]: the best score with the letters so far, the last of them at place i of the name.
    let mut best: Vec<Option<i32>> = Vec::new();
    for (nth, letter) in letters.iter().enumerate() {
        let mut row = vec![None; name.len()];
        let mut before: Option<i32> = None;
        for (i, (slot, c)) in row.iter_mut().zip(&name).enumerate() {
            if c == letter {
                let begins = i == 0 || name.get(i - 1).is_some_and(|p| !p.is_alphanumeric());
                let own = if begins { 10 } else { 1 };
                let reached = if nth == 0 {
                    Some(0)
                } else {
                    let beside = i.checked_sub(1).and_then(|j| best.get(j).copied().flatten()).map(|s| s + 6);
                    beside.max(before)
                };
                *slot = reached.map(|s| s + own);
            }
            before = before.max(best.get(i).copied().flatten());
        }
        best = row;
    }
    let length = i32::try_from(name.len() / 8).unwrap_or(i32::MAX);
    best.into_iter().flatten().max().map(|s| s - length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, all: &[&str]) -> Vec<String> {
        let entries: Vec<Entry> = all
            .iter()
            .map(|name| Entry {
                name: (*name).into(),
                detail: String::new(),
                command: Command::Act(Action::Help),
                refused: name.starts_with("Undo").then_some("Nothing to undo"),
            })
            .collect();
        ranked(text, &entries).into_iter().map(|i| entries[i].name.clone()).collect()
    }

    #[test]
    fn letters_in_order_are_found_and_others_not() {
        let all = ["Open folder…", "Select pointillism", "Show seed-38", "Select mosaic"];
        assert_eq!(names("point", &all), ["Select pointillism"]);
        assert_eq!(names("38", &all), ["Show seed-38"]);
        assert_eq!(names("SLMOS", &all), ["Select mosaic"]);
        assert!(names("zzz", &all).is_empty());
        assert_eq!(names("", &all), all, "nothing typed: all, as they come");
    }

    #[test]
    fn beginnings_of_words_and_neighbours_come_first() {
        assert_eq!(names("of", &["Show the profile", "Open folder…"])[0], "Open folder…");
        assert_eq!(names("log", &["Select the analog", "Log", "Copy the log"])[0], "Log");
        assert_eq!(names("sp", &["Display", "Select pointillism"])[0], "Select pointillism");
        assert_eq!(names("do", &["Undo", "Redo"])[0], "Redo", "what cannot be done comes later");
    }

    #[test]
    fn long_names_and_long_words_do_not_hurt() {
        let long = "a".repeat(5000);
        assert_eq!(names(&"a".repeat(300), &[&long]).len(), 1);
        assert!(names(&"b".repeat(300), &[&long]).is_empty());
        assert_eq!(names("ÄÖ", &["ärger öfter"]), ["ärger öfter"]);
    }
}
