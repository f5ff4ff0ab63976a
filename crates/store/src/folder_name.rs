//! Names of groups as names of folders.

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
