//! Models without a group: unlearned ones in the store, retrained and imported ones as diffusers folders.

mod imported;
mod resident;
mod retrained;
mod terms;
mod unlearned;

use std::path::Path;

use crate::diffusion::Model;
use crate::error::{Error, Result};

pub use imported::Imported;
pub use resident::Resident;
pub use retrained::{Retrained, training_of};
pub use terms::StoredTerms;
pub use unlearned::{SharedNeighbours, Unlearned};

/// A name that is one folder on every system: other characters than letters, digits, space, `-`, `_` and inner dots
/// become `%` and their number.
pub fn folder_name(group: &str) -> String {
    let mut out = String::new();
    for (i, c) in group.chars().enumerate() {
        if c.is_alphanumeric() || "-_".contains(c) || (i > 0 && " .".contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        }
    }
    let trimmed = out.trim_end_matches([' ', '.']).len();
    if trimmed < out.len() {
        out.truncate(trimmed);
        out.push_str("%end");
    }
    out
}

/// Refuses a model that cannot be compared with the full one.
///
/// # Errors
/// Another picture size, schedule, prediction type or set of classes.
fn check_alike(other: &Model, full: &Model, folder: &Path) -> Result<()> {
    let (a, b) = (other.shape(), full.shape());
    let differs = if a != b {
        format!("works on {a:?}, the full model on {b:?}")
    } else if other.schedule() != full.schedule() {
        "has another noise schedule or prediction type than the full model".into()
    } else if other.classes() != full.classes() {
        "knows other classes than the full model".into()
    } else {
        return Ok(());
    };
    Err(Error::file(format!("this model {differs}"), folder, "give a model that was trained like the full one"))
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn any_group_name_becomes_one_folder() {
        assert_eq!(folder_name("stained-glass"), "stained-glass");
        assert_eq!(folder_name("Émile Zola 2"), "Émile Zola 2");
        for bad in ["../up", "a/b", "..", ".hidden", "a\\b", "x:y", "end.", "end ", "nul\0"] {
            let name = folder_name(bad);
            assert!(
                !name.contains(['/', '\\', ':', '\0']) && !name.starts_with('.') && !name.ends_with(['.', ' ']),
                "{name}"
            );
        }
        assert_ne!(folder_name("a/b"), folder_name("a b"));
    }
}
