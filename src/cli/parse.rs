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

/// Reads a number from 1 on.
///
/// # Errors
/// A sentence for the user.
pub fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("{text} is no number from 1 on"))
}

/// Reads a learning rate.
///
/// # Errors
/// A sentence for the user.
pub fn rate(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|r: &f64| r.is_finite() && *r > 0.0).ok_or_else(|| format!("{text} is no positive number"))
}

/// Reads a number from 0 to 1.
///
/// # Errors
/// A sentence for the user.
pub fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|r| (0.0..=1.0).contains(r)).ok_or_else(|| format!("{text} is no number from 0 to 1"))
}

/// Reads the name of a method.
///
/// # Errors
/// Lists the known ones.
pub fn method(text: &str) -> Result<String, String> {
    whence_methods::method(text).map(|m| m.name().to_owned()).map_err(|e| e.to_string())
}

/// Reads the name of an unlearning objective.
///
/// # Errors
/// Lists the known ones.
pub fn objective(text: &str) -> Result<String, String> {
    whence_training::unlearning::objective(text).map(|o| o.name().to_owned()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_checked() {
        assert_eq!(positive("3"), Ok(3));
        assert!(positive("0").is_err() && positive("-1").is_err() && positive("x").is_err());
        assert_eq!(rate("1e-4"), Ok(1e-4));
        assert!(rate("0").is_err() && rate("nan").is_err() && rate("-1").is_err());
        assert!(method("guda").is_ok() && method("magic").unwrap_err().contains("gaussian"));
        assert!(objective("hinge").is_ok() && objective("magic").unwrap_err().contains("retrack"));
    }

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
