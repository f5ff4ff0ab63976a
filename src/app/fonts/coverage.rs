//! Whether a font has an outline for a character: a reader of the character map (OpenType `cmap`, formats 4 and 12).
//!
//! Fonts are untrusted: a broken one has no characters.

/// Whether the face `index` of a font file maps this character to a glyph, and has outlines. Fonts of coloured pictures
/// only (such as Noto Color Emoji) have none, and would be drawn as nothing.
pub fn has_outline(file: &[u8], index: u32, c: char) -> bool {
    let Some(tables) = Tables::of(file, index) else { return false };
    let outlines = [b"glyf", b"CFF ", b"CFF2"].into_iter().any(|tag| tables.get(tag).is_some());
    outlines && tables.get(b"cmap").and_then(|cmap| glyph(cmap, u32::from(c))).is_some_and(|glyph| glyph != 0)
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    bytes.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// The directory of a face's tables.
struct Tables<'a> {
    file: &'a [u8],
    /// Where its entries begin.
    entries: usize,
    count: usize,
}

impl<'a> Tables<'a> {
    fn of(file: &'a [u8], index: u32) -> Option<Self> {
        let start = match file.get(..4)? {
            b"ttcf" => u32_at(file, 12_usize.checked_add(usize::try_from(index).ok()?.checked_mul(4)?)?)? as usize,
            _ => 0,
        };
        let count = usize::from(u16_at(file, start.checked_add(4)?)?);
        Some(Self { file, entries: start.checked_add(12)?, count })
    }

    fn get(&self, tag: &[u8; 4]) -> Option<&'a [u8]> {
        let entries = self.file.get(self.entries..)?;
        let entry = entries.chunks_exact(16).take(self.count).find(|entry| entry.starts_with(tag))?;
        let (offset, length) = (u32_at(entry, 8)? as usize, u32_at(entry, 12)? as usize);
        self.file.get(offset..offset.checked_add(length)?)
    }
}

/// The glyph of a character.
fn glyph(cmap: &[u8], c: u32) -> Option<u32> {
    let records = cmap.get(4..)?.chunks_exact(8).take(usize::from(u16_at(cmap, 2)?));
    records
        .filter(|record| matches!((u16_at(record, 0), u16_at(record, 2)), (Some(0), _) | (Some(3), Some(1 | 10))))
        .filter_map(|record| cmap.get(u32_at(record, 4)? as usize..))
        .find_map(|table| match u16_at(table, 0)? {
            4 => segment_glyph(table, c),
            12 => group_glyph(table, c),
            _ => None,
        })
}

/// Format 4: segments of the Basic Multilingual Plane.
fn segment_glyph(table: &[u8], c: u32) -> Option<u32> {
    let c = u16::try_from(c).ok()?;
    let double = usize::from(u16_at(table, 6)?);
    let (ends, starts, deltas, offsets) = (14, 16 + double, 16 + 2 * double, 16 + 3 * double);
    let segment = (0..double).step_by(2).find(|at| u16_at(table, ends + at).is_some_and(|end| c <= end))?;
    let start = u16_at(table, starts + segment).filter(|start| *start <= c)?;
    let (delta, offset) = (u16_at(table, deltas + segment)?, usize::from(u16_at(table, offsets + segment)?));
    if offset == 0 {
        return Some(u32::from(c.wrapping_add(delta)));
    }
    let glyph = u16_at(table, offsets + segment + offset + 2 * usize::from(c - start))?;
    (glyph != 0).then(|| u32::from(glyph.wrapping_add(delta)))
}

/// Format 12: groups of all planes, sorted.
fn group_glyph(table: &[u8], c: u32) -> Option<u32> {
    let count = u32_at(table, 12)? as usize;
    let mut groups = table.get(16..)?.chunks_exact(12).take(count);
    let group = groups.find(|g| u32_at(g, 4).is_none_or(|end| end >= c))?;
    let start = u32_at(group, 0).filter(|start| *start <= c)?;
    u32_at(group, 8)?.checked_add(c - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_fonts_have_latin_and_no_japanese() {
        for font in egui::FontDefinitions::default().font_data.values() {
            let has = |c| has_outline(font.bytes(), font.index, c);
            assert!(!has('日') && !has('ش'), "the built-in fonts lack these scripts");
        }
        let fonts = egui::FontDefinitions::default();
        let ubuntu = &fonts.font_data["Ubuntu-Light"];
        for c in ['A', 'é', 'Ж', 'Ω'] {
            assert!(has_outline(ubuntu.bytes(), 0, c), "{c}");
        }
    }

    #[test]
    fn broken_fonts_have_no_characters() {
        let fonts = egui::FontDefinitions::default();
        let whole = fonts.font_data["Ubuntu-Light"].bytes();
        for end in [0, 3, 11, 12, 40, 300, 2000, whole.len() / 2] {
            _ = has_outline(&whole[..end], 0, 'A');
        }
        for i in 0..2000 {
            let mut broken = whole.to_vec();
            broken[i] ^= 0xFF;
            _ = has_outline(&broken, 0, 'A');
            _ = has_outline(&broken, 7, '\u{1F3A8}');
        }
        assert!(!has_outline(b"ttcf\0\0\0\0\0\0\0\x01\xFF\xFF\xFF\xFF", 0, 'A'));
    }
}
