//! Small languages of the options.

use whence_base::files::shortened;

/// Seeds: `3`, `0..8`, or `1,5,7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

/// Reads seeds.
///
/// # Errors
/// A sentence for the user.
pub fn seeds(text: &str) -> Result<Seeds, String> {
    let help = || format!("{} are no seeds: write 3, or 0..8, or 1,5,7", shortened(text));
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
    if seeds.len() > 100_000 {
        return Err(format!("{} seeds are more than 100,000", seeds.len()));
    }
    if seeds.is_empty() { Err(help()) } else { Ok(Seeds(seeds)) }
}

/// Names: `a,b`. A name with a comma stands in double quotes, with its own double quotes doubled, as in CSV.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

/// Reads names.
///
/// # Errors
/// A sentence for the user.
pub fn names(text: &str) -> Result<Names, String> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let Some(name) = names.last_mut() else { break };
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                name.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if name.is_empty() => quoted = true,
            ',' if !quoted => names.push(String::new()),
            c => name.push(c),
        }
    }
    if quoted {
        return Err("a double quote is not closed".into());
    }
    if names.iter().any(String::is_empty) {
        return Err("a name is empty: write a,b, with double quotes around names that hold a comma".into());
    }
    Ok(Names(names))
}

/// A name as [`names`] reads it.
pub fn quoted_name(name: &str) -> String {
    if name.contains([',', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

/// All names of an option that can be given several times.
pub fn all_names(given: Vec<Names>) -> Vec<String> {
    given.into_iter().flat_map(|names| names.0).collect()
}

/// Reads a number from 1 to `most`.
pub fn at_most(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    move |text| {
        let number = text.parse().ok().filter(|n| (1..=most).contains(n));
        number.ok_or_else(|| format!("{} is no number from 1 to {most}", shortened(text)))
    }
}

/// Reads a number from 0 to `most`.
pub fn up_to(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    move |text| {
        let number = text.parse().ok().filter(|n| *n <= most);
        number.ok_or_else(|| format!("{} is no number from 0 to {most}", shortened(text)))
    }
}

/// Reads a learning rate, 1e-12 to 10.
///
/// # Errors
/// A sentence for the user.
pub fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|r| (1e-12..=10.0).contains(r));
    rate.ok_or_else(|| format!("{} is no learning rate from 1e-12 to 10", shortened(text)))
}

/// Reads a confidence level, 0.5 to below 1.
///
/// # Errors
/// A sentence for the user.
pub fn level(text: &str) -> Result<f64, String> {
    let level = text.parse().ok().filter(|l| (0.5..1.0).contains(l));
    level.ok_or_else(|| format!("{} is no level from 0.5 to below 1", shortened(text)))
}

/// Reads a number from 0 to 1.
///
/// # Errors
/// A sentence for the user.
pub fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|r| (0.0..=1.0).contains(r))
        .ok_or_else(|| format!("{} is no number from 0 to 1", shortened(text)))
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
        let count = at_most(10);
        assert_eq!(count("10"), Ok(10));
        for bad in ["0", "-1", "x", "11", "1e3", "18446744073709551615"] {
            assert!(count(bad).is_err(), "{bad}");
        }
        assert!(up_to(10)("0").is_ok() && up_to(10)("11").is_err());
        assert!(level("0.95").is_ok() && level("1").is_err() && level("0.4").is_err() && level("nan").is_err());
        assert!(count(&"9".repeat(5000)).unwrap_err().chars().count() < 300, "long input is not echoed whole");
        assert_eq!(rate("1e-4"), Ok(1e-4));
        assert!(rate("0").is_err() && rate("1e-300").is_err() && rate("nan").is_err() && rate("-1").is_err());
        assert!(method("guda").is_ok() && method("magic").unwrap_err().contains("gaussian"));
        assert!(objective("hinge").is_ok() && objective("magic").unwrap_err().contains("retrack"));
    }

    #[test]
    fn a_name_can_hold_a_comma_and_quotes() {
        assert_eq!(names("cat,dog").unwrap().0, ["cat", "dog"]);
        for name in ["a, b", "\"quoted\", name", "5\" disk", "plain"] {
            assert_eq!(names(&quoted_name(name)).unwrap().0, [name]);
            assert_eq!(names(&format!("x,{},y", quoted_name(name))).unwrap().0, ["x", name, "y"]);
        }
        for bad in ["", "a,,b", "\"open", ","] {
            assert!(names(bad).is_err(), "{bad}");
        }
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
