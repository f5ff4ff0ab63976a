//! Neighbours as bytes, to be stored in a file.

use super::{OutsideNeighbour, OutsideNeighbours};

/// The first bytes of [`OutsideNeighbours::to_bytes`].
const MAGIC: [u8; 8] = *b"whncnear";
/// Goes up whenever the bytes after it change their meaning.
const VERSION: u32 = 1;
/// Magic, version, mirrored (`u32`), images (`u64`), `k` (`u64`).
const HEADER: usize = 32;
/// Index (`u32`), mirrored (`u8`), squared distance (`u64`).
const NEIGHBOUR: usize = 13;
/// A BLAKE3 of all bytes before it ends the file.
pub(super) const CHECKSUM: usize = 32;

impl OutsideNeighbours {
    /// The bytes that [`OutsideNeighbours::from_bytes`] reads: little endian, a header, every
    /// image's count (`u32`) and neighbours, and a checksum.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body: usize = self.neighbours.iter().map(|found| 4 + NEIGHBOUR * found.len()).sum();
        let mut bytes = Vec::with_capacity(HEADER + body + CHECKSUM);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(u32::from(self.mirrored).to_le_bytes());
        bytes.extend((self.neighbours.len() as u64).to_le_bytes());
        bytes.extend((self.k as u64).to_le_bytes());
        for found in &self.neighbours {
            bytes.extend((found.len() as u32).to_le_bytes());
            for neighbour in found {
                bytes.extend(neighbour.index.to_le_bytes());
                bytes.push(u8::from(neighbour.mirrored));
                bytes.extend(neighbour.squared_distance.to_le_bytes());
            }
        }
        bytes.extend(blake3::hash(&bytes).as_bytes());
        bytes
    }

    /// Reads what [`OutsideNeighbours::to_bytes`] wrote. The caller must know which dataset it belongs
    /// to: the bytes hold neither the dataset's hash nor its groups.
    ///
    /// # Errors
    /// A phrase without its full stop, where the bytes are of another kind or version, cut short,
    /// damaged or contradict themselves.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        const CUT: &str = "the neighbours are cut short";
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(CUT)?;
        let mut reader = Reader(content);
        if reader.take() != Some(MAGIC) {
            return Err("these are no neighbours");
        }
        if reader.take().map(u32::from_le_bytes) != Some(VERSION) {
            return Err("the neighbours are of another version");
        }
        if blake3::hash(content) != *checksum {
            return Err("the neighbours are damaged");
        }
        let mirrored = reader.take().map(u32::from_le_bytes).ok_or(CUT)?;
        let images = reader.length().ok_or(CUT)?;
        let k = reader.length().ok_or(CUT)?;
        // Every image takes 4 bytes at least, so no length can ask for more memory than its share.
        if mirrored > 1 || images > reader.0.len() / 4 {
            return Err(CUT);
        }
        let mut neighbours = Vec::with_capacity(images);
        for image in 0..images {
            let found = reader.neighbours(image, images, k, mirrored == 1);
            neighbours.push(found.ok_or("the neighbours contradict themselves")?);
        }
        if !reader.0.is_empty() {
            return Err("the neighbours are followed by other bytes");
        }
        Ok(Self { k, mirrored: mirrored == 1, neighbours })
    }
}

/// The bytes not read yet.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn length(&mut self) -> Option<usize> {
        self.take().map(u64::from_le_bytes).and_then(|length| usize::try_from(length).ok())
    }

    /// The neighbours of `image`; `None` where the search could not have found them.
    fn neighbours(&mut self, image: usize, images: usize, k: usize, mirrored: bool) -> Option<Vec<OutsideNeighbour>> {
        let count = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        if count > k || count > self.0.len() / NEIGHBOUR {
            return None;
        }
        let mut found: Vec<OutsideNeighbour> = Vec::with_capacity(count);
        for _ in 0..count {
            let index = u32::from_le_bytes(self.take()?);
            let [flag] = self.take()?;
            let squared_distance = u64::from_le_bytes(self.take()?);
            let neighbour = OutsideNeighbour { index, mirrored: flag == 1, squared_distance };
            let known = usize::try_from(index).is_ok_and(|index| index < images && index != image);
            let ordered = found.last().is_none_or(|last| last.sort_key() < neighbour.sort_key());
            if !known || !ordered || flag > u8::from(mirrored) {
                return None;
            }
            found.push(neighbour);
        }
        Some(found)
    }
}
