//! The known layouts, recognised by their headers.

use csv::StringRecord;

use super::Group;
use super::cell::name_in_cell;

const QUERY: [&str; 4] = ["query", "image", "image_path", "image_id"];
const GROUP: [&str; 3] = ["group", "class_id", "attribution_style"];
const SCORE: [&str; 5] = ["score_nats", "delta_elbo", "una_score", "logoa_score", "score"];

/// What users can read about the layouts when a header is none of them.
pub(super) const KNOWN: &str = "known layouts are: one row per score (a column query, image, image_path or image_id; a column group, \
     class_id or attribution_style; a column score_nats, delta_elbo, una_score, logoa_score or score); one row per query \
     with its groups sorted (image,R1_Cls,R1_Name,R1_Sc,...); one row per query with one column per group (image_id,0,1,...)";

/// One score, as a row holds it.
pub(super) struct Cell {
    pub(super) query: String,
    pub(super) group: Group,
    pub(super) score: f64,
    pub(super) std_err: Option<f64>,
    pub(super) method: Option<String>,
}

enum ErrorColumns {
    StdErr(usize),
    SdOfDraws(usize, usize),
}

/// The columns of a layout.
pub(super) enum Layout {
    Long(Box<LongColumns>),
    /// One row per query; triples of id, name and score.
    Sorted {
        groups: usize,
    },
    /// One row per query, one column per group.
    Wide {
        groups: Vec<String>,
    },
}

pub(super) struct LongColumns {
    query: usize,
    group: usize,
    score: usize,
    /// Read where the first is empty: the score of a method whose scores are not in nats.
    other_unit: Option<usize>,
    errors: Option<ErrorColumns>,
    method: Option<usize>,
    groups_are_class_ids: bool,
}

impl Layout {
    /// The layout with this header.
    ///
    /// # Errors
    /// A sentence without its full stop, where there is none.
    pub(super) fn of(header: &StringRecord) -> Result<Self, String> {
        let names: Vec<&str> = header.iter().collect();
        for (i, name) in names.iter().enumerate() {
            if names.iter().take(i).any(|n| n == name) {
                return Err(format!("the header names the column {name} twice"));
            }
        }
        let shown: String = names.join(",").chars().take(200).collect();
        let unknown = || format!("the header {shown} is no known layout");
        let only = |known: &[&str]| -> Result<Option<usize>, String> {
            // Our own files have the score in its unit besides the nats, which are empty for other units.
            let repeats = |name: &str| name == "score" && names.contains(&"score_nats");
            let mut found = names.iter().enumerate().filter(|(_, n)| known.contains(n) && !repeats(n));
            let first = found.next();
            match (first, found.next()) {
                (Some((_, a)), Some((_, b))) if known == SCORE => {
                    Err(format!("the header has two columns of scores, {a} and {b}"))
                }
                _ => Ok(first.map(|(i, _)| i)),
            }
        };
        // The first of the known names that is there, so that `query` counts for more than `image`.
        let first = |known: &[&str]| known.iter().find_map(|k| names.iter().position(|n| n == k));
        let (query, group, score) = (first(&QUERY), first(&GROUP), only(&SCORE)?);
        if let (Some(query), Some(group), Some(score)) = (query, group, score) {
            let errors = match (first(&["std_err"]), first(&["sd"]), first(&["draws"])) {
                (Some(std_err), _, _) => Some(ErrorColumns::StdErr(std_err)),
                (None, Some(sd), Some(draws)) => Some(ErrorColumns::SdOfDraws(sd, draws)),
                _ => None,
            };
            let groups_are_class_ids = names.get(group) == Some(&"class_id");
            let method = first(&["method"]);
            let other_unit = first(&["score"]).filter(|column| *column != score);
            let columns = LongColumns { query, group, score, other_unit, errors, method, groups_are_class_ids };
            return Ok(Self::Long(Box::new(columns)));
        }
        if query != Some(0) || group.is_some() || score.is_some() || names.len() < 2 {
            return Err(unknown());
        }
        let rest = names.get(1..).unwrap_or_default();
        if rest.first() == Some(&"R1_Cls") {
            let regular = rest.len().is_multiple_of(3)
                && rest.iter().enumerate().all(|(i, name)| {
                    let part = ["Cls", "Name", "Sc"].get(i % 3).copied().unwrap_or_default();
                    *name == format!("R{}_{part}", i / 3 + 1)
                });
            return if regular { Ok(Self::Sorted { groups: rest.len() / 3 }) } else { Err(unknown()) };
        }
        if rest.iter().any(|name| name.is_empty()) {
            return Err(unknown());
        }
        Ok(Self::Wide { groups: rest.iter().map(|&name| name.to_owned()).collect() })
    }

    /// Whether this program writes such files, which then end with a line end.
    pub(super) fn ends_with_a_line_end(&self, header: &StringRecord) -> bool {
        let names: Vec<&str> = header.iter().collect();
        match self {
            Self::Long(_) => names.contains(&"score_nats") || names == ["image", "class_id", "delta_elbo"],
            Self::Sorted { .. } => true,
            Self::Wide { .. } => false,
        }
    }

    /// Whether names of groups that are all whole numbers are class ids.
    pub(super) fn numbers_are_class_ids(&self) -> bool {
        match self {
            Self::Long(columns) => columns.groups_are_class_ids,
            Self::Sorted { .. } => false,
            Self::Wide { .. } => true,
        }
    }

    /// Whether a column names the method.
    pub(super) fn names_methods(&self) -> bool {
        matches!(self, Self::Long(columns) if columns.method.is_some())
    }

    /// The scores in a row.
    ///
    /// # Errors
    /// A sentence without its full stop, where one is missing or no number.
    pub(super) fn cells(&self, row: &StringRecord) -> Result<Vec<Cell>, String> {
        let field = |i: usize| row.get(i).unwrap_or_default();
        let named = |name: &str| Group { id: None, name: Some(name.to_owned()) };
        let plain = |query: &str, group: Group, score: f64| Cell {
            query: query.to_owned(),
            group,
            score,
            std_err: None,
            method: None,
        };
        match self {
            Self::Long(columns) => columns.cell(row).map(|cell| vec![cell]),
            Self::Wide { groups } => {
                let query = name_in_cell(present(field(0), "query")?);
                let cell =
                    |(i, group): (usize, &String)| Ok(plain(query, named(group), score(field(i + 1), query, group)?));
                groups.iter().enumerate().map(cell).collect()
            }
            Self::Sorted { groups } => {
                let query = name_in_cell(present(field(0), "query")?);
                let cell = |i: usize| {
                    let (class, name, text) = (field(3 * i + 1), field(3 * i + 2), field(3 * i + 3));
                    if class.is_empty() && name.is_empty() && text.is_empty() {
                        return Err(format!("{query} has only {i} of {groups} groups"));
                    }
                    let id: usize = class.parse().map_err(|_| format!("`{class}` is no class id"))?;
                    let name = match name.split_once(": ") {
                        Some((number, name)) if number == class => name,
                        Some((number, _)) if number.parse::<usize>().is_ok() => {
                            return Err(format!("class {class} is named `{name}`, with another class id"));
                        }
                        _ => name,
                    };
                    let score = score(text, query, name)?;
                    // Where the published script knows no names it writes the number or `Unknown` in their place.
                    let name = (!name.is_empty() && name != class && name != "Unknown").then(|| name.to_owned());
                    Ok(plain(query, Group { id: Some(id), name }, score))
                };
                (0..*groups).map(cell).collect()
            }
        }
    }
}

impl LongColumns {
    fn cell(&self, row: &StringRecord) -> Result<Cell, String> {
        let field = |i: usize| row.get(i).unwrap_or_default();
        let query = name_in_cell(present(field(self.query), "query")?);
        let group = name_in_cell(present(field(self.group), "group")?);
        let text = match self.other_unit {
            Some(column) if field(self.score).is_empty() => field(column),
            _ => field(self.score),
        };
        let score = score(text, query, group)?;
        let non_negative = |i: usize, what: &str| {
            let text = field(i);
            let value = text.parse().ok().filter(|v: &f64| v.is_finite() && *v >= 0.0);
            value.ok_or_else(|| format!("the {what} of {query} and {group} is `{text}`, not a number from 0 on"))
        };
        let std_err = match self.errors {
            None => None,
            Some(ErrorColumns::StdErr(column)) => Some(non_negative(column, "standard error")?),
            Some(ErrorColumns::SdOfDraws(sd, draws)) => {
                let count = non_negative(draws, "number of draws")?;
                if count < 1.0 {
                    return Err(format!("the number of draws of {query} and {group} is below 1"));
                }
                Some(non_negative(sd, "standard deviation")? / count.sqrt())
            }
        };
        let method = self.method.map(|column| name_in_cell(field(column)).to_owned());
        let group = Group { id: None, name: Some(group.to_owned()) };
        Ok(Cell { query: query.to_owned(), group, score, std_err, method })
    }
}

fn present<'a>(text: &'a str, what: &str) -> Result<&'a str, String> {
    if text.is_empty() { Err(format!("the row names no {what}")) } else { Ok(text) }
}

fn score(text: &str, query: &str, group: &str) -> Result<f64, String> {
    if text.is_empty() {
        return Err(format!("{query} has no score for {group}"));
    }
    let value: f64 = text.parse().map_err(|_| format!("the score of {query} for {group} is `{text}`, no number"))?;
    if !value.is_finite() {
        return Err(format!("the score of {query} for {group} is {text}, not a finite number"));
    }
    Ok(value)
}
