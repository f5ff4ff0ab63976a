//! Settings files (TOML) that a user wrote: recipes, training settings, benchmark plans.

use std::path::Path;

use serde::de::DeserializeOwned;

use whence_base::files::{MAX_SETTINGS_BYTES, read_text, shortened};
use whence_base::{Error, Result};

/// Reads a settings file; `what` names its kind, such as `a recipe`.
///
/// # Errors
/// Files that cannot be read, and settings that are unknown or of another type: the message names the line and the key.
pub fn read_settings<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let text = read_text(path, MAX_SETTINGS_BYTES)?;
    parse_settings(&text)
        .map_err(|message| Error::file(format!("this is not {what}: {message}"), path, "correct the file"))
}

/// Parses settings from TOML text.
///
/// # Errors
/// A sentence with line, key and reason.
fn parse_settings<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let reason = shortened(error.message().trim_end());
        let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return reason };
        let number = before.matches('\n').count() + 1;
        let line = text.lines().nth(number - 1).unwrap_or_default();
        match line.split_once('=') {
            Some((key, _)) if !reason.contains(key.trim()) => {
                format!("line {number}, {}: {reason}", shortened(key.trim()))
            }
            _ => format!("line {number}: {reason}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainingConfig;

    fn refused(text: &str) -> String {
        parse_settings::<TrainingConfig>(text).unwrap_err()
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_line() {
        let wrong_type = refused("seed = 1\nsteps = \"x\"\n");
        assert!(wrong_type.starts_with("line 2, steps: invalid type"), "{wrong_type}");
        let unknown = refused("\n\nstep = 3\n");
        assert!(unknown.starts_with("line 3") && unknown.contains("step"), "{unknown}");
        let long = refused(&format!("precision = \"{}\"", "x".repeat(5000)));
        assert!(long.starts_with("line 1, precision") && long.chars().count() < 300, "{long}");
    }
}
