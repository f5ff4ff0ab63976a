//! Colours of the groups, the same in the window, in exports and in the report.
//!
//! Distinguishable with any colour vision, after Okabe and Ito (2008) and Tol (2021).

/// Number of colours; later groups use them again with another mark.
pub const COUNT: usize = 12;

/// On dark ground, `0xRRGGBB`.
pub const DARK: [u32; COUNT] = [
    0xE69F00, 0x56B4E9, 0x16B586, 0xF0E442, 0x4B86E0, 0xE8702A, 0xD889B5, 0xB9B9B9, 0xC8607F, 0xA9A93F, 0x8E84E0,
    0x5FC7BD,
];

/// On light ground, `0xRRGGBB`.
pub const LIGHT: [u32; COUNT] = [
    0xDB9200, 0x3E9FD8, 0x009E73, 0xC7B800, 0x0067A8, 0xD55E00, 0xC0699B, 0x7C7C7C, 0x882255, 0x848420, 0x4D44B0,
    0x2B938A,
];

/// In the high-contrast theme, `0xRRGGBB`.
pub const CONTRAST: [u32; COUNT] = [
    0xFFB000, 0x6CC8FF, 0x1FD69E, 0xFFF24A, 0x6BA4FF, 0xFF8438, 0xF0A5CF, 0xD2D2D2, 0xE5739A, 0xC9C94D, 0xABA2FF,
    0x74E3D8,
];

/// Colours of the first `groups` groups as `#rrggbb`, on light and on dark ground.
pub fn group_colours(groups: usize) -> Vec<[String; 2]> {
    let hex = |colour: &u32| format!("#{colour:06x}");
    LIGHT.iter().zip(&DARK).cycle().take(groups).map(|(light, dark)| [hex(light), hex(dark)]).collect()
}
