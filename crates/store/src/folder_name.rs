//! Names of groups as names of folders.

use std::collections::HashSet;

/// Longest name of a folder, bytes: the usual limit of file systems is 255, and endings such as `.csv` are added to it.
const MAX_BYTES: usize = 200;

/// Device names that Windows reserves in every folder, with any ending ("Naming Files, Paths, and Namespaces",
/// Microsoft); `COM1` to `COM9` and `LPT1` to `LPT9` come on top.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name that is valid as a folder on every system: characters other than letters, digits, space, `-`, `_` and inner
/// dots become `%` and their code in hexadecimal, and so does the first letter of a name that Windows reserves. Different
/// groups get different names, but they may differ only in case: see [`folder_names`].
pub fn folder_name(group: &str) -> String {
    let reserved = is_reserved(group);
    let mut out = String::new();
    for (i, c) in group.chars().enumerate() {
        let first = i == 0;
        let plain = c.is_alphanumeric() || "-_".contains(c) || (!first && " .".contains(c));
        if plain && !(first && reserved) {
            out.push(c);
        } else {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        }
    }
    let trimmed = out.trim_end_matches([' ', '.']).len();
    if trimmed < out.len() {
        // The trailing characters are escaped rather than dropped, so that "a" and "a." stay two folders.
        let trailing: String = out.split_off(trimmed).bytes().map(|b| format!("%{b:02X}")).collect();
        out.push_str(&trailing);
    }
    if out.len() > MAX_BYTES {
        let hash = blake3::hash(group.as_bytes()).to_hex();
        out.truncate(out.floor_char_boundary(MAX_BYTES - 20));
        out.push_str("%hash");
        out.extend(hash.chars().take(15));
    }
    if out.is_empty() { "%empty".into() } else { out }
}

/// One folder name per group, in the same order; no two are equal where a file system ignores case, as those of Windows
/// and macOS do. Of several such groups the first keeps its name, and the others get a number.
pub fn folder_names<S: AsRef<str>>(groups: &[S]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(groups.len());
    for group in groups {
        let plain = folder_name(group.as_ref());
        let mut name = plain.clone();
        let mut number = 1;
        while !taken.insert(name.to_lowercase()) {
            number += 1;
            // No escape begins with `%n`, so this is no other group's name.
            name = format!("{plain}%n{number}");
        }
        names.push(name);
    }
    names
}

fn is_reserved(name: &str) -> bool {
    // Windows ignores what follows the first dot, and spaces before it.
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_lowercase();
    if RESERVED.contains(&stem.as_str()) {
        return true;
    }
    let number = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    number.is_some_and(|n| n.chars().count() == 1 && n.chars().all(|c| "0123456789¹²³".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_group_name_becomes_one_folder() {
        assert_eq!(folder_name("stained-glass"), "stained-glass");
        assert_eq!(folder_name("Émile Zola 2"), "Émile Zola 2");
        for bad in ["../up", "a/b", "..", ".hidden", "a\\b", "x:y", "end.", "end ", "nul\0", "", " . "] {
            let name = folder_name(bad);
            assert!(
                !name.is_empty()
                    && !name.contains(['/', '\\', ':', '\0'])
                    && !name.starts_with('.')
                    && !name.ends_with(['.', ' ']),
                "{name}"
            );
        }
        assert_ne!(folder_name("a/b"), folder_name("a b"));
        assert_ne!(folder_name("end."), folder_name("end "));
    }

    #[test]
    fn names_that_windows_reserves_are_escaped() {
        for reserved in ["CON", "nul", "Aux", "PRN", "COM1", "lpt9", "con.txt", "COM²", "nul .a"] {
            let name = folder_name(reserved);
            assert!(name.starts_with('%') && !is_reserved(&name), "{reserved} became {name}");
        }
        for ordinary in ["console", "com", "com10", "nulls", "a.con"] {
            assert_eq!(folder_name(ordinary), ordinary);
        }
    }

    #[test]
    fn long_names_are_shortened_and_stay_distinct() {
        let (a, b) = ("é".repeat(300) + "a", "é".repeat(300) + "b");
        assert!(folder_name(&a).len() <= MAX_BYTES, "{}", folder_name(&a).len());
        assert_ne!(folder_name(&a), folder_name(&b));
    }

    #[test]
    fn names_that_differ_only_in_case_become_distinct_folders() {
        let names = folder_names(&["Cat", "cat", "dog", "CAT", "Éclair", "éclair"]);
        assert_eq!(names, ["Cat", "cat%n2", "dog", "CAT%n3", "Éclair", "éclair%n2"]);
        assert_eq!(folder_names(&["a", "b"]), ["a", "b"]);
    }
}
