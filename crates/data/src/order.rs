//! Natural sort order: numbers inside names compare as numbers.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::str::Chars;

/// Compares two names so that `cat 2` comes before `cat 10` and `b` before `C`. A total order:
/// names that are equal but for case or leading zeros compare by their bytes.
#[must_use]
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        let order = match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (take_digits(&mut left), take_digits(&mut right));
                x.len().cmp(&y.len()).then_with(|| x.cmp(&y))
            }
            (Some(x), Some(y)) => {
                left.next();
                right.next();
                x.to_lowercase().cmp(y.to_lowercase())
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes a run of digits, without its leading zeros: the longer run is the larger number.
fn take_digits(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        if !(digits.is_empty() && digit == '0') {
            digits.push(digit);
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::natural_cmp;

    #[test]
    fn digits_compare_by_value_and_case_is_ignored() {
        let mut names = ["b10", "B2", "a", "b02", "", "b2x", "C", "b1", "é", "10", "9", "99999999999999999999999"];
        names.sort_by(|a, b| natural_cmp(a, b));
        assert_eq!(names, ["", "9", "10", "99999999999999999999999", "a", "b1", "B2", "b02", "b2x", "b10", "C", "é"]);
    }

    #[test]
    fn only_identical_names_compare_as_equal() {
        assert!(natural_cmp("a1", "a01").is_ne());
        assert!(natural_cmp("A", "a").is_ne());
        assert!(natural_cmp("a1", "a1").is_eq());
    }
}
