//! Small languages of the options.

/// Seeds: `3`, `0..8`, or `1,5,7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

/// Reads seeds.
///
/// # Errors
/// A sentence for the user.
pub fn seeds(text: &str) -> Result<Seeds, String> {
    let help = || format!("{text} are no seeds: write 3, or 0..8, or 1,5,7");
    let number = |s: &str| s.trim().parse::<u64>().map_err(|_| help());
    let seeds: Vec<u64> = if let Some((first, end)) = text.split_once("..") {
        let (first, end) = (number(first)?, number(end)?);
        if end.saturating_sub(first) > 100_000 {
            return Err(format!("{text} are more than 100,000 seeds"));
        }
        (first..end).collect()
    } else {
        text.split(',').map(number).collect::<Result<_, _>>()?
    };
    if seeds.is_empty() { Err(help()) } else { Ok(Seeds(seeds)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_one_a_range_or_a_list() {
        assert_eq!(seeds("3").unwrap().0, [3]);
        assert_eq!(seeds("0..3").unwrap().0, [0, 1, 2]);
        assert_eq!(seeds("1,5,7").unwrap().0, [1, 5, 7]);
        for bad in ["", "x", "3..3", "5..2", "1..", "-1", "0..999999999999"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
    }
}
