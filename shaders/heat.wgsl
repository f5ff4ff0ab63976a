// A signed map over an image: blue, nothing, orange. The same formula as `shade` in src/app/widgets/heat.rs.

struct Look {
    // Left, top, width and height of the image, in screen pixels.
    rect: vec4<f32>,
    // How many cells the image spans; the last ones may be cut.
    cells: vec2<f32>,
    // The value of full strength.
    scale: f32,
    opacity: f32,
    // Light and deep.
    warm: array<vec4<f32>, 2>,
    cool: array<vec4<f32>, 2>,
    // Below this share of the scale nothing is drawn.
    threshold: f32,
    // Whether cells blend into each other.
    smooth_cells: f32,
    // Whether the target wants linear light.
    linear: f32,
    unused: f32,
}

@group(0) @binding(0) var<uniform> look: Look;
@group(0) @binding(1) var values: texture_2d<f32>;

// One triangle over the whole viewport.
@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    let place = vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u));
    return vec4<f32>(place * 2.0 - 1.0, 0.0, 1.0);
}

fn cell(place: vec2<i32>) -> f32 {
    let last = vec2<i32>(textureDimensions(values)) - 1;
    return textureLoad(values, clamp(place, vec2<i32>(0), last), 0).r;
}

fn between(place: vec2<f32>) -> f32 {
    let corner = place - 0.5;
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
fn color(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let place = (position.xy - look.rect.xy) / look.rect.zw * look.cells;
    var value = 0.0;
    if look.smooth_cells > 0.5 {
        value = between(place);
    } else {
        value = cell(vec2<i32>(floor(place)));
    }
    let share = value / look.scale;
    let strength = clamp((abs(share) - look.threshold) / (1.0 - look.threshold), 0.0, 1.0);
    let alpha = sqrt(strength) * look.opacity;
    var hue = mix(look.warm[0].rgb, look.warm[1].rgb, strength);
    if share < 0.0 {
        hue = mix(look.cool[0].rgb, look.cool[1].rgb, strength);
    }
    let premultiplied = hue * alpha;
    return vec4<f32>(select(premultiplied, to_linear(premultiplied), look.linear > 0.5), alpha);
}
