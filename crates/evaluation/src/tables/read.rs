//! From the rows of a file to a complete table, or to the reason why there is none.

use std::collections::HashMap;
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, Trim};

use super::layouts::{Cell, KNOWN, Layout};
use super::{Group, ScoreTable, few};
use whence_base::{Error, Result, Setting};

const REMEDY: &str = "correct the file or write it again";

/// The file, to say where in it something is wrong.
struct Text<'a> {
    path: &'a Path,
    bytes: &'a [u8],
}

impl Text<'_> {
    /// A fault in the row that starts at this byte or after it.
    fn fault(&self, start: u64, what: impl Into<String>) -> Error {
        Error::input(what, format!("{}, line {}", self.path.display(), self.line(start)), REMEDY)
    }

    /// From 1. Not the reader's own count, which takes empty lines before a row as part of it.
    fn line(&self, start: u64) -> usize {
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(self.bytes.len());
        let (before, row) = self.bytes.split_at(start);
        let empty = row.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        before.iter().chain(empty).filter(|byte| **byte == b'\n').count() + 1
    }

    fn broken(&self, error: &csv::Error) -> Error {
        let start = error.position().map_or(0, csv::Position::byte);
        match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => self
                .fault(start, format!("the row has {len} fields where the header has {expected_len}: it is cut off")),
            ErrorKind::Utf8 { .. } => self.fault(start, "the text is not UTF-8"),
            _ => self.fault(start, error.to_string()),
        }
    }
}

/// Reads a table from the bytes of the file at `path`.
pub(super) fn table(bytes: &[u8], path: &Path, method: Option<&str>) -> Result<ScoreTable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = Text { path, bytes };
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|e| text.broken(&e))?.clone();
    if header.iter().all(str::is_empty) {
        return Err(Error::file("the file is empty", path, "write it again"));
    }
    let layout = Layout::of(&header).map_err(|what| {
        let place = format!("{}, line 1", path.display());
        Error::input(what, place, format!("use a known layout; {KNOWN}"))
    })?;
    if layout.ends_with_a_line_end(&header) && !bytes.ends_with(b"\n") {
        // A file cut inside its last number still has all fields.
        let last = bytes.len().saturating_sub(1) as u64;
        return Err(text.fault(last, "the last line has no line end: the file is cut off"));
    }
    let mut cells: Vec<(u64, Cell)> = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| text.broken(&e))?;
        let start = row.position().map_or(0, csv::Position::byte);
        let found = layout.cells(&row).map_err(|what| text.fault(start, what))?;
        cells.extend(found.into_iter().map(|cell| (start, cell)));
    }
    if cells.is_empty() {
        return Err(Error::file("the file has a header and no scores", path, "write it again"));
    }
    let method = choose_method(&mut cells, &layout, path, method)?;
    if layout.numbers_are_class_ids() {
        name_by_id(&mut cells);
    }
    assemble(&cells, &text, method)
}

fn choose_method(
    cells: &mut Vec<(u64, Cell)>,
    layout: &Layout,
    path: &Path,
    wanted: Option<&str>,
) -> Result<Option<String>> {
    if !layout.names_methods() {
        return match wanted {
            None => Ok(None),
            Some(wanted) => {
                let what = format!("the file does not say which scores are by {wanted}: it has no column method");
                Err(Error::file(what, path, "leave the method out"))
            }
        };
    }
    let mut methods: Vec<String> = Vec::new();
    for (_, cell) in cells.iter() {
        let method = cell.method.clone().unwrap_or_default();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    let known = few(&methods);
    match (wanted, methods.as_slice()) {
        (Some(wanted), _) if methods.iter().any(|m| m == wanted) => {
            cells.retain(|(_, cell)| cell.method.as_deref() == Some(wanted));
            Ok(Some(wanted.to_owned()))
        }
        (Some(wanted), _) => {
            Err(Error::file(format!("the file has no scores by {wanted}, only by {known}"), path, "name one of these"))
        }
        (None, [one]) => Ok(Some(one.clone())),
        (None, _) => {
            let what = format!("the file has scores by {} methods: {known}", methods.len());
            let settings = [Setting::Method, Setting::ReferenceMethod, Setting::VersusMethod];
            Err(Error::setting(what, settings, "choose one of them").in_file(path))
        }
    }
}

/// Takes names for class ids where all of them are whole numbers.
fn name_by_id(cells: &mut [(u64, Cell)]) {
    let id = |cell: &Cell| {
        let name = cell.group.name.as_deref()?;
        name.parse::<usize>().ok().filter(|id| id.to_string() == name)
    };
    if cells.iter().all(|(_, cell)| id(cell).is_some()) {
        for (_, cell) in cells {
            cell.group = Group { id: id(cell), name: None };
        }
    }
}

/// Numbers things in the order in which they come.
#[derive(Default)]
struct Index<K>(HashMap<K, usize>);

impl<K: std::hash::Hash + Eq> Index<K> {
    fn of(&mut self, key: K) -> (usize, bool) {
        let next = self.0.len();
        let index = *self.0.entry(key).or_insert(next);
        (index, index == next)
    }
}

fn assemble(cells: &[(u64, Cell)], text: &Text<'_>, method: Option<String>) -> Result<ScoreTable> {
    let (mut query_index, mut group_index) = (Index::default(), Index::default());
    let mut queries: Vec<String> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<(usize, usize), &(u64, Cell)> = HashMap::new();
    for entry in cells {
        let (start, cell) = entry;
        let (query, new) = query_index.of(cell.query.as_str());
        if new {
            queries.push(cell.query.clone());
        }
        // Where there are ids they tell groups apart; a name that changes is then a fault.
        let key = (cell.group.id, if cell.group.id.is_some() { None } else { cell.group.name.as_deref() });
        let (group, new) = group_index.of(key);
        if new {
            groups.push(cell.group.clone());
        } else if let Some(before) = groups.get(group).filter(|g| **g != cell.group) {
            let id = cell.group.id.unwrap_or_default();
            let what = format!("class {id} is called {} here and {} before", cell.group.label(), before.label());
            return Err(text.fault(*start, what));
        }
        if let Some((first, _)) = places.insert((query, group), entry) {
            let label = cell.group.label();
            let what =
                format!("{} has a second score for {label}, the first is on line {}", cell.query, text.line(*first));
            return Err(text.fault(*start, what));
        }
    }
    if let [only] = groups.as_slice() {
        let what = format!("the file has only one group, {}: there is nothing to rank", only.label());
        return Err(Error::file(what, text.path, "give scores of at least two groups"));
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    if groups.iter().all(|g| g.id.is_some()) {
        order.sort_by_key(|&i| groups.get(i).and_then(|g| g.id));
    }
    let mut missing = Vec::new();
    let mut values = Vec::with_capacity(queries.len());
    let mut errors = Vec::with_capacity(queries.len());
    for (q, query) in queries.iter().enumerate() {
        let mut row = Vec::with_capacity(order.len());
        let mut row_errors = Vec::with_capacity(order.len());
        for &g in &order {
            match places.get(&(q, g)) {
                Some((_, cell)) => {
                    row.push(cell.score);
                    row_errors.extend(cell.std_err);
                }
                None => {
                    let label = groups.get(g).map(Group::label).unwrap_or_default();
                    missing.push(format!("{query} has no score for {label}"));
                }
            }
        }
        values.push(row);
        errors.push(row_errors);
    }
    if !missing.is_empty() {
        let what =
            format!("{} missing: {}", if missing.len() == 1 { "a score is" } else { "scores are" }, few(&missing));
        return Err(Error::file(what, text.path, "score these groups too, or take the queries out of the file"));
    }
    let complete = errors.iter().all(|row| row.len() == order.len());
    Ok(ScoreTable {
        source: text.path.display().to_string(),
        method,
        queries,
        groups: order.iter().filter_map(|&g| groups.get(g).cloned()).collect(),
        values,
        errors: complete.then_some(errors),
    })
}
