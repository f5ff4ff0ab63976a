//! Numbers, times and sizes in a readable form.

use whence_jobs::JobEstimate;

/// Digits after the point that suit a column whose largest value is `max`.
pub fn decimals(max: f64) -> usize {
    match max.abs() {
        m if m >= 100.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        _ => 3,
    }
}

/// A number with its sign, and a true minus sign.
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

/// A time that is only roughly known: `40 s`, `2 min`, `1 h 20 min`.
pub fn roughly(seconds: f64) -> String {
    let steps = |of: f64| (seconds.clamp(0.0, 1e9) / of).round() as u64;
    match seconds {
        s if !s.is_finite() => "unknown time".into(),
        s if s < 9.5 => format!("{} s", steps(1.0).max(1)),
        s if s < 57.5 => format!("{} s", steps(5.0) * 5),
        s if s < 3570.0 => format!("{} min", steps(60.0)),
        s if s < 35_700.0 => match steps(600.0) * 10 {
            m if m % 60 == 0 => format!("{} h", m / 60),
            m => format!("{} h {} min", m / 60, m % 60),
        },
        _ => format!("{} h", steps(3600.0)),
    }
}

/// An amount of memory: `640 MiB`, `1.6 GiB`.
pub fn memory(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    match mebibytes {
        m if m < 99.5 => format!("{:.0} MiB", m.max(1.0)),
        m if m < 995.0 => format!("{:.0} MiB", (m / 10.0).round() * 10.0),
        m => format!("{:.1} GiB", m / 1024.0),
    }
}

/// The estimated time and memory of a job: `about 6 min, 480 MiB`.
pub fn cost(estimate: &JobEstimate) -> String {
    let memory = estimate.peak_bytes.map_or_else(String::new, |bytes| format!(", {}", memory(bytes)));
    format!("about {}{memory}", roughly(estimate.seconds))
}

/// The same where it is worth knowing before the job starts; nothing for jobs of a few seconds.
pub fn cost_worth_knowing(estimate: Option<JobEstimate>) -> Option<String> {
    estimate.filter(|estimate| estimate.seconds > WORTH_KNOWING).as_ref().map(cost)
}

/// Seconds from which on a job says beforehand how long it takes.
const WORTH_KNOWING: f64 = 10.0;

/// A level of confidence: `95%`, `99.9%`.
pub fn level(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
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
        let rough: Vec<_> = [0.2, 42.0, 58.0, 130.0, 3590.0, 4900.0, 40_000.0].into_iter().map(roughly).collect();
        assert_eq!(rough, ["1 s", "40 s", "1 min", "2 min", "1 h", "1 h 20 min", "11 h"]);
        assert_eq!((memory(643 << 20), memory(1640 << 20)), ("640 MiB".to_owned(), "1.6 GiB".to_owned()));
        assert_eq!((level(0.95), level(0.999)), ("95%".to_owned(), "99.9%".to_owned()));
        assert_eq!(plural(960, "image"), "960 images");
        assert_eq!(cut("pointillism", 6), "point…");
        assert_eq!(short_count(1_250_000), "1.2 M");
        assert_eq!((decimals(0.2), decimals(4.0), decimals(41.0), decimals(410.0)), (3, 2, 1, 0));
    }
}
