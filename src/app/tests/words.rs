//! Words that the window does not use any more: they were hard to understand, or not the field's.

use std::path::{Path, PathBuf};

/// Strings of earlier versions, with what they became.
const RETIRED: [(&str, &str); 42] = [
    ("Zero: without the group", "At 0, removing the group makes no difference"),
    ("cannot be told apart", "statistically tied"),
    ("stands out", "ranks first"),
    ("Closed form, no network", "Quick preview (Gaussian fit, no neural network)"),
    ("closest by pixel statistics", "the best match by pixel statistics"),
    ("speak for it", "its most relevant training images"),
    ("near is not cause", "similarity is not causation"),
    ("Its model:", "Unlearned model:"),
    ("damaged the others", "also harmed other groups"),
    ("likelihood fell most", "most affected by unlearning"),
    ("Find them", "Compute"),
    ("Draw it again", "Regenerate"),
    ("drawn again", "regenerated"),
    ("Draw all again", "Regenerate without each group"),
    ("Draw the rest", "Regenerate the remaining"),
    ("From a file…", "Open image…"),
    ("Take off the list", "Remove from list"),
    ("has no star any more", "Star removed from"),
    ("Undone:", "Undid"),
    ("as at first", "Layout reset"),
    ("\"Type a path\"", "Open path…"),
    ("\"Larger\"", "Zoom in"),
    ("\"Usual size\"", "Actual size"),
    ("Nothing has these letters", "No matches"),
    ("times as strong", "Difference (×4)"),
    ("\"the original\"", "Original"),
    ("since the noise", "cumulative"),
    ("by denoising step", "by timestep"),
    ("In this region:", "Selection:"),
    ("\"differs by", "pixel change"),
    ("was made before", "already exists"),
    ("the order of the rows", "reference, sets the row order"),
    ("Explain by another method", "Add a method"),
    ("Where they disagree most", "Largest disagreement"),
    ("Look closer", "View large"),
    ("No image has such a name", "No matching images"),
    ("Nothing runs and nothing waits", "No jobs running or queued"),
    ("Put this job aside", "Pause this job"),
    ("with the recipe of the view", "includes settings to reopen this view"),
    ("There is a file", "already exists. Press Save again to replace it"),
    ("95 %", "95%"),
    ("Stop when the leader is clear", "Stop early once the ranking is clear"),
];

/// The source files of the window, without its tests.
fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() && name != "tests" {
            sources(&entry, out);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            out.push(entry);
        }
    }
}

#[test]
fn retired_strings_are_not_on_screen() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app"), &mut files);
    assert!(files.len() > 60, "{}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let shown = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (i, line) in shown.enumerate() {
            for (old, new) in RETIRED {
                assert!(!line.contains(old), "{}, line {i}: \"{old}\" is \"{new}\" now", file.display());
            }
            // "Picture" is neither a query image nor a training image.
            let quoted = line.split('"').skip(1).step_by(2).any(|s| s.contains("picture") || s.contains("Picture"));
            assert!(!quoted, "{}: {line}", file.display());
        }
    }
}
