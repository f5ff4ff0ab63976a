//! Finds the font of the system that suits a character best.

use std::path::PathBuf;

use egui::{FontData, FontInsert};
use fontdb::{Database, FaceInfo, ID, Source, Style};

use super::coverage;

/// Families that go well with the built-in fonts: plain, and made for screens. Earlier ones are preferred.
const PREFERRED: [&str; 14] = [
    "Noto Sans",
    "Segoe UI",
    "Yu Gothic UI",
    "Microsoft YaHei UI",
    "Malgun Gothic",
    "Nirmala UI",
    "Leelawadee UI",
    "Hiragino Sans",
    "PingFang",
    "Apple SD Gothic Neo",
    "Geeza Pro",
    "Kohinoor",
    "DejaVu Sans",
    "Arial",
];

/// Largest font file that is read; the largest of common systems have about 30 MB.
const MAX_BYTES: u64 = 96 << 20;

/// The fonts of the system, the most suitable first.
pub struct SystemFonts {
    database: Database,
    order: Vec<ID>,
    /// Fonts in use, which are asked first.
    used: Vec<(ID, FontInsert)>,
}

impl std::fmt::Debug for SystemFonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SystemFonts({} faces, {} used)", self.order.len(), self.used.len())
    }
}

impl SystemFonts {
    /// Reads the names of all fonts of the system.
    pub fn load() -> Self {
        let mut database = Database::new();
        database.load_system_fonts();
        let mut faces: Vec<&FaceInfo> = database.faces().collect();
        faces.sort_by_key(|face| (unsuitability(face), face.post_script_name.clone()));
        let order = faces.into_iter().map(|face| face.id).collect();
        Self { database, order, used: Vec::new() }
    }

    /// The most suitable font with outlines for this character.
    pub fn font_for(&mut self, c: char) -> Option<FontInsert> {
        let has = |id: ID| {
            self.database.with_face_data(id, |data, index| coverage::has_outline(data, index, c)).unwrap_or(false)
        };
        if let Some((_, font)) = self.used.iter().find(|(id, _)| has(*id)) {
            return Some(font.clone());
        }
        let id = self.order.iter().copied().find(|id| has(*id))?;
        let font = insert(self.database.face(id)?)?;
        self.used.push((id, font.clone()));
        Some(font)
    }
}

/// The font as egui takes it.
fn insert(face: &FaceInfo) -> Option<FontInsert> {
    let bytes = match &face.source {
        Source::File(path) | Source::SharedFile(path, _) => read(path)?,
        Source::Binary(data) => data.as_ref().as_ref().to_vec(),
    };
    let data = FontData { index: face.index, ..FontData::from_owned(bytes) };
    // Collections hold faces of the same name.
    let name = format!("{} {}", face.post_script_name, face.index);
    Some(FontInsert { name, data, families: Vec::new() })
}

fn read(path: &PathBuf) -> Option<Vec<u8>> {
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
    if size > MAX_BYTES {
        tracing::warn!("the font {} has {size} bytes and is not used", path.display());
        return None;
    }
    std::fs::read(path).inspect_err(|error| tracing::warn!("the font {} is not used: {error}", path.display())).ok()
}

/// How badly a face suits text of the window; the lowest is chosen.
fn unsuitability(face: &FaceInfo) -> (bool, bool, u16, usize, usize) {
    let family = face.families.first().map_or("", |(name, _)| name.as_str());
    let ornate = ["Serif", "Mono", "Kufi", "Naskh", "Nastaliq", "Rashi", "Looped", "Display"];
    let ornate = ornate.iter().any(|word| family.contains(word));
    let preferred = PREFERRED.iter().position(|name| family.starts_with(name)).unwrap_or(PREFERRED.len());
    (ornate, face.style != Style::Normal, face.weight.0.abs_diff(400), preferred, family.len())
}
