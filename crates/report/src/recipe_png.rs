//! Images of a view that say how the view came about: a PNG with its recipe in a text chunk.

use std::io::{BufRead, Seek};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use whence_base::{Error, Result};
use whence_jobs::SampleSettings;
use whence_methods::ScoreSettings;
use whence_training::unlearning::Recipe;

/// Keyword of the chunk.
const KEYWORD: &str = "whence";

/// Layout of the recipe that this program writes, and the latest it reads.
const LAYOUT: u32 = 1;

/// Most bytes of a recipe. A real one takes less than two thousand.
const LONGEST: usize = 1 << 16;

/// Most bytes that reading a recipe may take of memory: a few chunks of the longest size.
const MEMORY: usize = 1 << 20;

/// What an image of a view shows, and how to see it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewRecipe {
    /// Version of this layout.
    pub schema_version: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// The project's folder. Only read: this version writes no folders, which would leave the computer with the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// Name of the project, where one was open.
    #[serde(default)]
    pub project_name: Option<String>,
    /// The image asked about, where there was one.
    #[serde(default)]
    pub query: Option<ViewQuery>,
    /// How it was explained, where it was.
    #[serde(default)]
    pub settings: Option<ViewSettings>,
    /// Name of the selected group.
    #[serde(default)]
    pub group: Option<String>,
    /// Names of the tabs in front, with commas between them.
    #[serde(default)]
    pub tab: Option<String>,
}

/// The query image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewQuery {
    /// Its name on screen.
    pub name: String,
    /// Seed it was generated from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// File it was read from: relative to the project's folder where it lies inside, else its name alone. Earlier versions
    /// wrote whole paths.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// How it was generated, where it was.
    #[serde(default)]
    #[serde(rename = "draw")]
    pub sampling: Option<SampleSettings>,
    /// blake3 of its values, hexadecimal; earlier versions did not write it.
    #[serde(default)]
    pub blake3: Option<String>,
}

/// How the image was explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewSettings {
    /// Name of the method.
    pub method: String,
    /// How the ELBO was evaluated.
    pub scoring: ScoreSettings,
    /// How groups were unlearned.
    pub recipe: Recipe,
    /// Random groups.
    #[serde(default)]
    pub null: usize,
    /// Whether groups were unlearned with a second seed too.
    #[serde(default)]
    pub confirm: bool,
}

impl Default for ViewRecipe {
    fn default() -> Self {
        Self {
            schema_version: LAYOUT,
            version: env!("CARGO_PKG_VERSION").into(),
            project: None,
            project_name: None,
            query: None,
            settings: None,
            group: None,
            tab: None,
        }
    }
}

/// Writes interleaved RGB bytes as a PNG that carries a recipe.
///
/// # Errors
/// Where the bytes are not those of an image of this size, or the file cannot be written.
pub fn write_recipe_png(path: &Path, rgb: &[u8], (width, height): (u32, u32), recipe: &ViewRecipe) -> Result<()> {
    let text = serde_json::to_string(recipe)
        .map_err(|e| Error::internal(format!("the settings for {} cannot be encoded: {e}", path.display())))?;
    let bytes = encode(rgb, png::ColorType::Rgb, (width, height), KEYWORD, text)
        .map_err(|what| Error::internal(format!("{} cannot be encoded: {what}", path.display())))?;
    whence_store::write_atomic(path, &bytes)
}

/// A PNG with a text chunk of this keyword.
pub(super) fn encode(
    data: &[u8],
    color: png::ColorType,
    (width, height): (u32, u32),
    keyword: &str,
    text: String,
) -> Result<Vec<u8>, String> {
    if text.len() > LONGEST {
        return Err(format!("the image's recipe takes {} bytes, more than {LONGEST}", text.len()));
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_itxt_chunk(keyword.into(), text).map_err(|e| e.to_string())?;
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(data).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// The text that a PNG file carries under this keyword.
pub(super) fn text_in(path: &Path, keyword: &str) -> Result<Option<String>, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    text_of(std::io::BufReader::new(file), keyword)
}

/// The recipe of a PNG file; none where it carries none.
///
/// # Errors
/// Files that cannot be read, are no PNG, are damaged or cut off, and recipes that are too large, damaged or of a later
/// version.
pub fn read_recipe_png(path: &Path) -> Result<Option<ViewRecipe>> {
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    decode(std::io::BufReader::new(file))
        .map_err(|what| Error::file(what, path, "open another image, or export the view again"))
}

/// Whether a file is a PNG that carries a recipe, as far as its beginning tells. Reads no pixels.
pub fn carries_recipe(path: &Path) -> bool {
    let Ok(file) = std::fs::File::open(path) else { return false };
    decoder(std::io::BufReader::new(file)).read_info().is_ok_and(|reader| chunk(reader.info(), KEYWORD).is_some())
}

fn decoder<R: BufRead + Seek>(source: R) -> png::Decoder<R> {
    png::Decoder::new_with_limits(source, png::Limits { bytes: MEMORY })
}

fn chunk<'a>(info: &'a png::Info<'_>, keyword: &str) -> Option<&'a png::text_metadata::ITXtChunk> {
    info.utf8_text.iter().find(|c| c.keyword == keyword)
}

fn decode<R: BufRead + Seek>(source: R) -> Result<Option<ViewRecipe>, String> {
    text_of(source, KEYWORD)?.map(|text| parse(&text)).transpose()
}

fn text_of<R: BufRead + Seek>(source: R, keyword: &str) -> Result<Option<String>, String> {
    let broken = |e: png::DecodingError| format!("this PNG cannot be read: {e}");
    let mut reader = decoder(source).read_info().map_err(broken)?;
    // To the end of the file: an image that is cut off shall not open as if it were whole.
    reader.finish().map_err(broken)?;
    let Some(mut chunk) = chunk(reader.info(), keyword).cloned() else { return Ok(None) };
    // Other programs may have compressed it; a small chunk can unfold to a very large one.
    let damaged = |e: png::DecodingError| format!("the recipe in this image is damaged: {e}");
    chunk.decompress_text_with_limit(LONGEST).map_err(damaged)?;
    let text = chunk.get_text().map_err(damaged)?;
    if text.len() > LONGEST {
        return Err(format!("the recipe in this image takes {} bytes, more than {LONGEST}", text.len()));
    }
    Ok(Some(text))
}

fn parse(text: &str) -> Result<ViewRecipe, String> {
    /// What all versions have in common, so that a later one is named as such.
    #[derive(Deserialize)]
    struct Layout {
        schema_version: u32,
    }
    let damaged = |e: serde_json::Error| format!("the recipe in this image is damaged: {e}");
    let Layout { schema_version } = serde_json::from_str(text).map_err(damaged)?;
    if schema_version != LAYOUT {
        return Err(format!("the recipe in this image was written by another version (layout {schema_version})"));
    }
    serde_json::from_str(text).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn recipe() -> ViewRecipe {
        ViewRecipe {
            project: Some("/projects/Ünï ✓".into()),
            query: Some(ViewQuery { name: "seed-7".into(), seed: Some(7), file: None, sampling: None, blake3: None }),
            settings: Some(ViewSettings {
                method: "guda".into(),
                scoring: ScoreSettings { seed: u64::MAX, ..ScoreSettings::default() },
                recipe: Recipe { learning_rate: Some(1.0 / 3.0), ..Recipe::default() },
                null: 16,
                confirm: true,
            }),
            group: Some("<pointillism>".into()),
            tab: Some("Explain".into()),
            ..ViewRecipe::default()
        }
    }

    fn image() -> Vec<u8> {
        let rgb: Vec<u8> = (0..5 * 4 * 3).map(|i| i * 3).collect();
        let text = serde_json::to_string(&recipe()).unwrap();
        encode(&rgb, png::ColorType::Rgb, (5, 4), KEYWORD, text).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Option<ViewRecipe>, String> {
        decode(Cursor::new(bytes.to_vec()))
    }

    /// A PNG with this chunk before its pixels.
    fn with_chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = png::Encoder::new(&mut bytes, 1, 1);
        let mut writer = encoder.write_header().unwrap();
        writer.write_chunk(png::chunk::ChunkType(name), data).unwrap();
        writer.write_image_data(&[0]).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn text_chunk(flag: u8, text: &[u8]) -> Vec<u8> {
        with_chunk(*b"iTXt", &[b"whence\0", &[flag, 0, 0, 0][..], text].concat())
    }

    #[test]
    fn what_is_written_is_read_and_the_pixels_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.png");
        let rgb: Vec<u8> = (0..60).collect();
        write_recipe_png(&path, &rgb, (5, 4), &recipe()).unwrap();
        assert_eq!(read_recipe_png(&path).unwrap(), Some(recipe()));
        assert!(carries_recipe(&path));
        let image = image::open(&path).unwrap().into_rgb8();
        assert_eq!((image.dimensions(), image.into_raw()), ((5, 4), rgb));
        assert!(write_recipe_png(&path, &[0; 3], (5, 4), &recipe()).is_err(), "too few bytes");
        assert_eq!(read_recipe_png(&path).unwrap(), Some(recipe()), "the old file is untouched");
    }

    #[test]
    fn ordinary_images_carry_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain.png");
        image::RgbImage::new(3, 3).save(&path).unwrap();
        assert_eq!(read_recipe_png(&path).unwrap(), None);
        assert!(!carries_recipe(&path) && !carries_recipe(folder.path()) && !carries_recipe(Path::new("/nowhere")));
        assert!(read_recipe_png(Path::new("/nowhere.png")).is_err());
        assert_eq!(read(&with_chunk(*b"tEXt", b"whence\0not our kind of chunk")), Ok(None));
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error() {
        let whole = image();
        assert_eq!(read(&whole), Ok(Some(recipe())));
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut off after {end} of {}", whole.len());
        }
    }

    #[test]
    fn any_changed_byte_of_the_recipe_is_noticed() {
        let whole = image();
        let start = whole.windows(6).position(|w| w == b"whence").unwrap();
        for place in start..start + 200 {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x20;
            assert_ne!(read(&bytes), Ok(Some(recipe())), "byte {place}");
        }
    }

    #[test]
    fn hostile_chunks_are_refused_without_a_large_allocation() {
        // A length that the file does not have, up to the largest that fits the field.
        for length in [u32::MAX, 0x7fff_ffff, 1 << 30, (MEMORY as u32) + 1] {
            let mut bytes = image();
            let start = bytes.windows(4).position(|w| w == b"iTXt").unwrap() - 4;
            bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
            assert!(read(&bytes).is_err(), "{length}");
        }
        // More text than a recipe may have, and text that unfolds to much more than its chunk.
        assert!(read(&text_chunk(0, &vec![b' '; LONGEST + 1])).unwrap_err().contains("more than"));
        assert!(read(&text_chunk(0, &vec![b' '; 4 * MEMORY])).is_err());
        let mut bomb = png::text_metadata::ITXtChunk::new(KEYWORD, " ".repeat(8 << 20));
        bomb.compressed = true;
        bomb.compress_text().unwrap();
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
        writer.write_text_chunk(&bomb).unwrap();
        writer.write_image_data(&[0]).unwrap();
        writer.finish().unwrap();
        assert!(bytes.len() < MEMORY, "the bomb itself is small: {}", bytes.len());
        assert!(read(&bytes).unwrap_err().contains("damaged"));
        // Not JSON, not ours, nested too deeply, of a later version.
        for text in [&b"{"[..], b"[]", br#"{"schema_version":1}"#, &vec![b'['; 50_000]] {
            assert!(read(&text_chunk(0, text)).unwrap_err().contains("damaged"));
        }
        assert!(read(&text_chunk(1, b"no zlib stream")).unwrap_err().contains("damaged"));
        assert!(read(&text_chunk(0, br#"{"schema_version":2}"#)).unwrap_err().contains("another version"));
    }

    #[test]
    fn a_image_that_claims_to_be_huge_takes_no_memory() {
        let mut bytes = image();
        bytes[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(read(&bytes).is_err(), "its header's checksum does not fit");
    }
}
