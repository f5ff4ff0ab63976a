//! Colours of the groups, the same in the window, in exports and in the report.
//!
//! Found by a search for eight colours that are as far apart as possible (CIEDE2000) for normal vision and for simulated
//! protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes 2009), and far from the colours of maps. The
//! tests hold the distances. A group has a mark of its own besides.

#[cfg(test)]
mod tests;

/// Number of colours; later groups use them again with another mark.
pub const COUNT: usize = 8;

/// On dark ground, `0xRRGGBB`.
pub const DARK: [u32; COUNT] = [0xEE9557, 0x179AAE, 0xF1BEF6, 0x527300, 0xFFF142, 0x6A4DD4, 0x18FEC6, 0xEB2263];

/// On light ground, `0xRRGGBB`.
pub const LIGHT: [u32; COUNT] = [0xA06842, 0x19849D, 0xCD73F6, 0x2D4300, 0xB9AC11, 0x13319E, 0x0FBE8D, 0x9D124E];

/// In the high-contrast theme, `0xRRGGBB`.
pub const CONTRAST: [u32; COUNT] = [0xF9A882, 0x099DA9, 0xFDD0FF, 0x709532, 0xFFFC4E, 0x8277FD, 0x4CFFCB, 0xFF2C8F];

/// Maps: light and deep orange where a value is positive, light and deep blue where it is negative, `0xRRGGBB`. No group
/// has one of them.
pub const MAP: [u32; 4] = [0xFFC45C, 0xE85D04, 0x74C7FF, 0x1565D8];

/// Colours of the first `groups` groups as `#rrggbb`, on light and on dark ground.
pub fn group_colours(groups: usize) -> Vec<[String; 2]> {
    let hex = |colour: &u32| format!("#{colour:06x}");
    LIGHT.iter().zip(&DARK).cycle().take(groups).map(|(light, dark)| [hex(light), hex(dark)]).collect()
}
