// A heat map over an image: blue for negative values, orange for positive ones, transparent near zero.
// The same formula as `shade` in src/app/widgets/heat.rs.

struct Uniforms {
    // Left, top, width and height of the image, in screen pixels.
    rect: vec4<f32>,
    // Cells across and down the image. Fractional where the last cells reach beyond it.
    cells: vec2<f32>,
    // The value with the strongest colour.
    scale: f32,
    opacity: f32,
    // Light and deep colour.
    warm: array<vec4<f32>, 2>,
    cool: array<vec4<f32>, 2>,
    // Values below this share of the scale are transparent.
    threshold: f32,
    // 1: values are interpolated between cells.
    smooth_cells: f32,
    // 1: the target expects linear colours.
    linear: f32,
    unused: f32,
}

@group(0) @binding(0) var<uniform> uniforms: Uniforms;
@group(0) @binding(1) var values: texture_2d<f32>;

// One triangle over the whole viewport.
@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    let position = vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u));
    return vec4<f32>(position * 2.0 - 1.0, 0.0, 1.0);
}

fn cell(index: vec2<i32>) -> f32 {
    let last = vec2<i32>(textureDimensions(values)) - 1;
    return textureLoad(values, clamp(index, vec2<i32>(0), last), 0).r;
}

// Bilinear interpolation at a position in cells.
fn interpolated(position: vec2<f32>) -> f32 {
    let corner = position - 0.5;
    let first = vec2<i32>(floor(corner));
    let share = fract(corner);
    let upper = mix(cell(first), cell(first + vec2<i32>(1, 0)), share.x);
    let lower = mix(cell(first + vec2<i32>(0, 1)), cell(first + vec2<i32>(1, 1)), share.x);
    return mix(upper, lower, share.y);
}

fn to_linear(gamma: vec3<f32>) -> vec3<f32> {
    let low = gamma / 12.92;
    let high = pow((gamma + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, gamma < vec3<f32>(0.04045));
}

@fragment
fn color(@builtin(position) pixel: vec4<f32>) -> @location(0) vec4<f32> {
    let position = (pixel.xy - uniforms.rect.xy) / uniforms.rect.zw * uniforms.cells;
    var value = 0.0;
    if uniforms.smooth_cells > 0.5 {
        value = interpolated(position);
    } else {
        value = cell(vec2<i32>(floor(position)));
    }
    let share = value / uniforms.scale;
    let strength = clamp((abs(share) - uniforms.threshold) / (1.0 - uniforms.threshold), 0.0, 1.0);
    let alpha = sqrt(strength) * uniforms.opacity;
    var hue = mix(uniforms.warm[0].rgb, uniforms.warm[1].rgb, strength);
    if share < 0.0 {
        hue = mix(uniforms.cool[0].rgb, uniforms.cool[1].rgb, strength);
    }
    let premultiplied = hue * alpha;
    return vec4<f32>(select(premultiplied, to_linear(premultiplied), uniforms.linear > 0.5), alpha);
}
