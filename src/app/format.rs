//! Numbers and times as people read them.

/// Digits after the point that suit a column whose largest value is `max`.
pub fn decimals(max: f64) -> usize {
    match max.abs() {
        m if m >= 100.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        _ => 3,
    }
}

/// A number with its sign and a true minus.
pub fn signed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "unknown".into();
    }
    let text = format!("{:.decimals$}", value.abs());
    if text.bytes().all(|b| matches!(b, b'0' | b'.')) {
        return text;
    }
    if value < 0.0 { format!("\u{2212}{text}") } else { format!("+{text}") }
}

/// A count with thin groups of three.
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Parameters of a network: `1.2 M`.
pub fn short_count(value: usize) -> String {
    match value {
        0..1_000 => value.to_string(),
        1_000..1_000_000 => format!("{:.0} k", value as f64 / 1e3),
        _ => format!("{:.1} M", value as f64 / 1e6),
    }
}

/// A time in words: `1 min 10 s`.
pub fn duration(seconds: f64) -> String {
    let s = seconds.max(0.0).ceil().min(1e9) as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// `1 image`, `2 images`.
pub fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", count(n)) }
}

/// The first line of a text, cut to `max` characters.
pub fn cut(text: &str, max: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= max {
        return line.to_owned();
    }
    let mut out: String = line.chars().take(max.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(signed(41.23, 1), "+41.2");
        assert_eq!(signed(-0.5, 1), "\u{2212}0.5");
        assert_eq!(signed(-0.01, 1), "0.0");
        assert_eq!(signed(f64::INFINITY, 1), "unknown");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(duration(70.2), "1 min 11 s");
        assert_eq!(duration(0.2), "1 s");
        assert_eq!(plural(1, "image"), "1 image");
        assert_eq!(plural(960, "image"), "960 images");
        assert_eq!(cut("pointillism", 6), "point…");
        assert_eq!(short_count(1_250_000), "1.2 M");
        assert_eq!((decimals(0.2), decimals(4.0), decimals(41.0), decimals(410.0)), (3, 2, 1, 0));
    }
}
