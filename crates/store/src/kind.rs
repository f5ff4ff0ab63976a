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
    /// A map of all training images.
    Embedding,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
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
        Self::Embedding,
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
            Self::Embedding => "embeddings",
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
            Self::Neighbours | Self::Features | Self::Scores | Self::Embedding => 1,
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
    const GOLDEN: [(Kind, u32, &str); 12] = [
        (Kind::Counterfactual, 2, "5e46cf22bbc05768987e0625a78297231b0d14484b4d9f936b4bab7792f2e974"),
        (Kind::Unfinished, 2, "55a351ed2081f7bfc5dbab08d75130af6ddf6ea724350c4de13e656d82eae910"),
        (Kind::Terms, 2, "01e514624dd56c2275cb615472f7e9a5d205e1cbb79596e3d1d90f141eea9acd"),
        (Kind::Gate, 2, "9d32c935cd10cd0f641b81220a9758da618f83e75a0fc62af84a23bc3c9d6edb"),
        (Kind::Neighbours, 1, "985c2281294803734df05dcabb760262950a4349cedb61bf86d42102112c0db4"),
        (Kind::Regeneration, 2, "aa5605ebb308b3e99bc8c62f43c6042c86dbc049ed22ab2997923adee4b6415d"),
        (Kind::Map, 2, "0ceefe26e9ad212f69c5e66744fc27c11b04d1511e9d596f2acdf09a7a5c69c3"),
        (Kind::AffectedImages, 2, "c8eeca441a520a8b50c7df5889958248bf5a8e1b3e85fdf3e67e73cec46d5fea"),
        (Kind::Trajectory, 2, "45d506a7e50369ec3196e8d918066d48171bc20e2bbdfba9aff8d522a594a29a"),
        (Kind::Features, 1, "0cbb2a2181e535fac32f675eca5437501bb038679f49488039078d489e32da62"),
        (Kind::Scores, 1, "9f370d32097322d950ff571571d0256b649f1f0f62a74986de916c4c93df1756"),
        (Kind::Embedding, 1, "1914422bed066eea50354353144c3cb1a1b59fc4b8217c27de83ace75667d0b8"),
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
        let expected = [
            "counterfactual",
            "unfinished",
            "terms",
            "gate",
            "neighbours",
            "redrawing",
            "map",
            "moved",
            "course",
            "features",
            "scores",
            "embedding",
        ];
        assert_eq!(names.map(|n| n.as_str().unwrap().to_owned()), expected.map(str::to_owned));
    }
}
