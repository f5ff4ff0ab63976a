//! The kinds of stored results, and the revision of the code that computes each.

use serde::{Deserialize, Serialize};

/// What a stored result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A counterfactual model, as the difference to the full model.
    Counterfactual,
    /// State of an unlearning run that was interrupted.
    Unfinished,
    /// ELBO terms of one query under one pair of models.
    Terms,
    /// Errors that the quality gate measured on one counterfactual model.
    Gate,
    /// Nearest images outside the own group.
    Neighbours,
    /// A query regenerated from its seed.
    #[serde(rename = "redrawing")]
    Regeneration,
    /// A score by region and timestep.
    Map,
    /// Images of a group that its removal made less likely.
    #[serde(rename = "moved")]
    AffectedImages,
    /// Losses and regenerated images over an unlearning run.
    #[serde(rename = "course")]
    Trajectory,
    /// Features of all training images.
    Features,
    /// Scores of one query by a method that needs no terms.
    Scores,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Counterfactual,
        Self::Unfinished,
        Self::Terms,
        Self::Gate,
        Self::Neighbours,
        Self::Regeneration,
        Self::Map,
        Self::AffectedImages,
        Self::Trajectory,
        Self::Features,
        Self::Scores,
    ];

    /// Name of its folder. Some are older than the names of the variants: existing stores have them.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Counterfactual => "counterfactuals",
            Self::Unfinished => "unfinished",
            Self::Terms => "terms",
            Self::Gate => "gates",
            Self::Neighbours => "neighbours",
            Self::Regeneration => "redrawings",
            Self::Map => "maps",
            Self::AffectedImages => "moved",
            Self::Trajectory => "courses",
            Self::Features => "features",
            Self::Scores => "scores",
        }
    }

    /// Revision of the code that computes this kind; part of every key, so that results of different revisions never
    /// mix.
    ///
    /// Add one whenever the same inputs give another result, or the content has another layout: after a change of a
    /// kernel, an objective, a constant that is not among the inputs, a sampler, or a random stream. Then update the
    /// table of golden keys in the tests below. Results of the earlier revision are treated as absent and computed again;
    /// `whence project gc` removes them. A kind whose results build on another's (terms on counterfactual models) need
    /// not follow it where its inputs name the other's key or the hash of its weights.
    ///
    /// Revision 1 is that of stores from before keys had a revision.
    pub fn revision(self) -> u32 {
        match self {
            Self::Neighbours | Self::Features | Self::Scores => 1,
            Self::Counterfactual
            | Self::Unfinished
            | Self::Terms
            | Self::Gate
            | Self::Regeneration
            | Self::Map
            | Self::AffectedImages
            | Self::Trajectory => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Kind;
    use crate::key_of;

    /// Kind, revision and key of the inputs below. A key that moves while its revision stays is a mistake: results of
    /// two schemes would lie side by side, and those of users would be lost.
    const GOLDEN: [(Kind, u32, &str); 11] = [
        (Kind::Counterfactual, 2, ""),
        (Kind::Unfinished, 2, ""),
        (Kind::Terms, 2, ""),
        (Kind::Gate, 2, ""),
        (Kind::Neighbours, 1, ""),
        (Kind::Regeneration, 2, ""),
        (Kind::Map, 2, ""),
        (Kind::AffectedImages, 2, ""),
        (Kind::Trajectory, 2, ""),
        (Kind::Features, 1, ""),
        (Kind::Scores, 1, ""),
    ];

    #[test]
    fn keys_move_only_with_a_revision() {
        let inputs = json!({"model": "m", "seed": 3, "rate": 0.1, "groups": ["ink", null]});
        let now = Kind::ALL.map(|kind| (kind, kind.revision(), key_of(kind, &inputs)));
        let golden = GOLDEN.map(|(kind, revision, key)| (kind, revision, key.to_owned()));
        assert_eq!(now, golden, "keys moved: if results did, add one to the revision, and update this table");
    }

    #[test]
    fn names_on_disk_stay() {
        let names = Kind::ALL.map(|kind| serde_json::to_value(kind).unwrap());
        let expected =
            ["counterfactual", "unfinished", "terms", "gate", "neighbours", "redrawing", "map", "moved", "course", "features", "scores"];
        assert_eq!(names.map(|n| n.as_str().unwrap().to_owned()), expected.map(str::to_owned));
    }
}
