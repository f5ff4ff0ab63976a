//! Train, validation and test parts of a dataset, by the names that Hugging Face `datasets` knows.

/// A part of a dataset that is kept apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The keywords of `datasets` (`SPLIT_KEYWORDS` in its `data_files.py`).
    fn of_word(word: &str) -> Option<Self> {
        match word {
            "train" | "training" => Some(Self::Train),
            "validation" | "valid" | "dev" | "val" => Some(Self::Validation),
            "test" | "testing" | "eval" | "evaluation" => Some(Self::Test),
            _ => None,
        }
    }
}

/// The split that a name holds as a word of its own, and what else the name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SplitName {
    pub split: Split,
    /// The other words, but for those that any split may carry; empty for a plain `train`.
    pub rest: Vec<String>,
}

/// Words beside the split's that tell nothing.
const FILLERS: [&str; 11] =
    ["set", "sets", "data", "dataset", "images", "image", "imgs", "img", "split", "of", "partial"];

/// Reads `train`, `train-00000-of-00001`, `cifar10_train`, `training_set`, `val2017` and the like;
/// `None` where the name holds no split, or two different ones.
pub(super) fn split_of(name: &str) -> Option<SplitName> {
    let name = name.to_lowercase();
    let (mut split, mut rest) = (None, Vec::new());
    for word in name.split(|character: char| !character.is_alphabetic()) {
        match Split::of_word(word) {
            Some(found) if split.is_none_or(|earlier| earlier == found) => split = Some(found),
            Some(_) => return None,
            None if word.is_empty() || FILLERS.contains(&word) => {}
            None => rest.push(word.to_owned()),
        }
    }
    Some(SplitName { split: split?, rest })
}

/// A list of names for a message: `a`, `a and b`, `a, b and c`; the first few of many.
pub(super) fn join_names(names: &[String]) -> String {
    const NAMED: usize = 8;
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        many => format!("{} and {} more", many.get(..NAMED).unwrap_or_default().join(", "), many.len() - NAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_words_of_a_name() {
        let split = |name: &str| split_of(name).map(|found| (found.split, found.rest.join(" ")));
        let plain = |split| Some((split, String::new()));
        for name in ["train", "Train", "training", "train-00000-of-00001", "training_set", "train2017", "partial-train"]
        {
            assert_eq!(split(name), plain(Split::Train), "{name}");
        }
        assert_eq!(split("val"), plain(Split::Validation));
        assert_eq!(split("dev.1"), plain(Split::Validation));
        assert_eq!(split("test_images"), plain(Split::Test));
        assert_eq!(split("cifar10_train"), Some((Split::Train, "cifar".to_owned())));
        assert_eq!(split("steam train"), Some((Split::Train, "steam".to_owned())));
        for name in ["trains", "contest", "0000", "", "train_test", "devil"] {
            assert_eq!(split(name), None, "{name}");
        }
    }

    #[test]
    fn long_lists_of_names_are_shortened() {
        let names: Vec<String> = ('a'..='z').map(String::from).collect();
        assert_eq!(join_names(&names[..0]), "");
        assert_eq!(join_names(&names[..1]), "a");
        assert_eq!(join_names(&names[..3]), "a, b and c");
        assert_eq!(join_names(&names), "a, b, c, d, e, f, g, h and 18 more");
    }
}
