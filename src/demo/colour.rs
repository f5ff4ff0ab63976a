//! Colours in Oklab, with changes of lightness, chroma and hue.
//!
//! Styles lighten, dull and shift colours; in Oklab (Björn Ottosson, 2020), equal steps look equal
//! and hues stay put, which keeps eight renderings of one palette recognisable as one palette.

/// A colour in Oklab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lab {
    pub(super) l: f32,
    a: f32,
    b: f32,
}

impl Lab {
    /// From an sRGB colour written `0xRRGGBB`.
    pub(super) fn hex(rgb: u32) -> Self {
        let part = |shift: u32| decode(((rgb >> shift) & 0xff) as f32 / 255.0);
        let (r, g, b) = (part(16), part(8), part(0));
        let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
        Self {
            l: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            a: 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            b: 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        }
    }

    /// As linear light, red, green and blue, inside the sRGB gamut.
    pub(super) fn linear(self) -> [f32; 3] {
        let l = (self.l + 0.396_337_78 * self.a + 0.215_803_76 * self.b).powi(3);
        let m = (self.l - 0.105_561_346 * self.a - 0.063_854_17 * self.b).powi(3);
        let s = (self.l - 0.089_484_18 * self.a - 1.291_485_5 * self.b).powi(3);
        [
            4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
            -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
            -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
        ]
        .map(|part| part.clamp(0.0, 1.0))
    }

    /// Lightness raised by `step` (lowered if negative).
    pub(super) fn lighter(self, step: f32) -> Self {
        Self { l: (self.l + step).clamp(0.0, 1.0), ..self }
    }

    /// Lightness replaced.
    pub(super) fn at_lightness(self, l: f32) -> Self {
        Self { l, ..self }
    }

    /// Chroma multiplied by `factor`.
    pub(super) fn chroma(self, factor: f32) -> Self {
        Self { a: self.a * factor, b: self.b * factor, ..self }
    }

    /// Chroma set to `level`, with the same hue. A grey stays grey.
    pub(super) fn at_chroma(self, level: f32) -> Self {
        let now = self.a.hypot(self.b);
        if now < 1e-3 { self } else { self.chroma(level / now) }
    }

    /// Hue rotated by `angle` radians.
    pub(super) fn rotated(self, angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { a: self.a * cos - self.b * sin, b: self.a * sin + self.b * cos, ..self }
    }

    /// Linear interpolation from this colour (`t` = 0) to `other` (`t` = 1).
    pub(super) fn mix(self, other: Self, t: f32) -> Self {
        let lerp = |from: f32, to: f32| from + (to - from) * t;
        Self { l: lerp(self.l, other.l), a: lerp(self.a, other.a), b: lerp(self.b, other.b) }
    }
}

/// sRGB value in [0, 1] to linear light.
fn decode(value: f32) -> f32 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Linear light in [0, 1] to an sRGB byte.
pub(super) fn encode(light: f32) -> u8 {
    let value = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    // A cast from float saturates, so no value can overflow the byte.
    (value * 255.0).round() as u8
}

/// Smooth step from 0 at `from` to 1 at `to`.
pub(super) fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
