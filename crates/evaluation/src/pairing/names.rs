//! Which query of one table is which of another, by file name and, where needed, by the folders above it.

use std::collections::HashMap;

const IMAGES: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"];

/// Positions in the two lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) only_left: Vec<usize>,
    pub(super) only_right: Vec<usize>,
}

/// A query's path, from the file name up.
struct Name<'a> {
    stem: &'a str,
    extension: Option<&'a str>,
    folders: Vec<&'a str>,
}

impl<'a> Name<'a> {
    fn of(query: &'a str) -> Self {
        let mut parts = query.rsplit(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
        let file = parts.next().unwrap_or(query);
        let split = file.rsplit_once('.').filter(|(stem, extension)| {
            !stem.is_empty() && IMAGES.iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        let (stem, extension) = split.map_or((file, None), |(stem, extension)| (stem, Some(extension)));
        Self { stem, extension, folders: parts.collect() }
    }

    /// How well two names of one stem agree: by common folders, then by the extension. None where both have an
    /// extension and not the same: `a.png` and `a.jpg` can be two images.
    fn likeness(&self, other: &Self) -> Option<(usize, bool)> {
        let same = self.extension == other.extension;
        if !same && self.extension.is_some() && other.extension.is_some() {
            return None;
        }
        Some((self.folders.iter().zip(&other.folders).take_while(|(a, b)| a == b).count(), same))
    }
}

enum Best {
    Nobody,
    One(usize),
    Several(usize, usize),
}

fn best(name: &Name<'_>, candidates: &[usize], others: &[Name<'_>]) -> Best {
    let mut found = Best::Nobody;
    let mut highest = None;
    for &candidate in candidates {
        let Some(likeness) = others.get(candidate).and_then(|other| name.likeness(other)) else { continue };
        if highest.is_none_or(|h| likeness > h) {
            highest = Some(likeness);
            found = Best::One(candidate);
        } else if highest == Some(likeness)
            && let Best::One(first) = found
        {
            found = Best::Several(first, candidate);
        }
    }
    found
}

/// Pairs each query with the one that is most like it, where each is the other's best.
///
/// # Errors
/// A sentence without its full stop, where several are equally alike.
pub(super) fn match_queries(left: &[String], right: &[String]) -> Result<Matched, String> {
    let left_names: Vec<Name<'_>> = left.iter().map(|q| Name::of(q)).collect();
    let right_names: Vec<Name<'_>> = right.iter().map(|q| Name::of(q)).collect();
    let mut stems: HashMap<&str, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (i, name) in left_names.iter().enumerate() {
        stems.entry(name.stem).or_default().0.push(i);
    }
    for (i, name) in right_names.iter().enumerate() {
        stems.entry(name.stem).or_default().1.push(i);
    }
    let mut right_taken = vec![false; right.len()];
    let mut matched = Matched::default();
    let text = |of: &[String], i: usize| of.get(i).cloned().unwrap_or_default();
    for (i, name) in left_names.iter().enumerate() {
        let Some((lefts, rights)) = stems.get(name.stem) else { continue };
        let candidate = match best(name, rights, &right_names) {
            Best::Nobody => None,
            Best::One(j) => Some(j),
            Best::Several(a, b) => {
                let (a, b) = (text(right, a), text(right, b));
                return Err(format!("{} is ambiguous: it can be {a} or {b}", text(left, i)));
            }
        };
        let back = candidate.and_then(|j| right_names.get(j).map(|n| (j, best(n, lefts, &left_names))));
        match back {
            Some((j, Best::One(k))) if k == i => {
                matched.pairs.push((i, j));
                if let Some(taken) = right_taken.get_mut(j) {
                    *taken = true;
                }
            }
            Some((j, Best::Several(a, b))) => {
                let (a, b) = (text(left, a), text(left, b));
                return Err(format!("{} is ambiguous: it can be {a} or {b}", text(right, j)));
            }
            _ => matched.only_left.push(i),
        }
    }
    matched.only_right = right_taken.iter().enumerate().filter(|(_, taken)| !**taken).map(|(j, _)| j).collect();
    Ok(matched)
}
