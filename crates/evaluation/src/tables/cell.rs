//! Names in CSV files. A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a
//! formula and may run it, so such a name is written with an apostrophe before it. Numbers are written as they are.

use std::borrow::Cow;

use serde::Serializer;

fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A name as a cell: with an apostrophe before it where a spreadsheet would run it.
pub fn text_cell(name: &str) -> Cow<'_, str> {
    if is_formula(name) { Cow::Owned(format!("'{name}")) } else { Cow::Borrowed(name) }
}

/// The name in a cell that [`text_cell`] made.
pub fn name_in_cell(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|_| is_formula(cell)).unwrap_or(cell)
}

/// For `serialize_with` on a name in a row of a table.
///
/// # Errors
/// The serializer's own.
pub fn serialize_text_cell<T: AsRef<str>, S: Serializer>(name: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_cell(name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_and_reads_back_as_it_was() {
        for name in ["=HYPERLINK(\"http:x\")", "+1+1", "-a", "@cmd", "\tx", "\rx", "'=x", "''+y"] {
            let cell = text_cell(name);
            assert!(cell.starts_with('\''), "{cell}");
            assert_eq!(name_in_cell(&cell), name);
        }
        for name in ["cat", "'quoted'", "a=b", "", "3"] {
            assert_eq!(text_cell(name), name);
            assert_eq!(name_in_cell(name), name);
        }
    }
}
