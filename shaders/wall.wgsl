// The wall: one quad a tile, images from an atlas page, a ring around what is marked.
// All lengths are screen pixels, all colours as egui has them: gamma encoded, multiplied by their opacity.

struct Look {
    // The whole target.
    screen: vec2f,
    // A tile, without its ring.
    tile: vec2f,
    // An image in the atlas, in texels.
    cell: vec2f,
    // Corners of tiles.
    radius: f32,
    // How far a quad reaches beyond its tile.
    margin: f32,
    // Where there is no image yet.
    blank: vec4f,
    // 1: enlarged texels stay texels.
    crisp: u32,
    // 1: the target encodes colours itself.
    linear_target: u32,
}

@group(0) @binding(0) var<uniform> look: Look;
@group(0) @binding(1) var smoothly: sampler;
@group(1) @binding(0) var page: texture_2d<f32>;

struct Tile {
    // Top left corner.
    @location(0) corner: vec2f,
    // Top left texel of its cell.
    @location(1) texel: vec2u,
    @location(2) ring: vec4f,
    @location(3) ring_width: f32,
    // 1: the cell holds its image.
    @location(4) there: u32,
}

struct Point {
    @builtin(position) position: vec4f,
    // From the tile's top left corner.
    @location(0) local: vec2f,
    @location(1) @interpolate(flat) texel: vec2f,
    @location(2) @interpolate(flat) ring: vec4f,
    @location(3) @interpolate(flat) ring_width: f32,
    @location(4) @interpolate(flat) there: u32,
}

@vertex
fn tile_corner(tile: Tile, @builtin(vertex_index) index: u32) -> Point {
    let unit = vec2f(f32(index & 1u), f32(index >> 1u));
    // Tiles lie on whole pixels: without a ring nothing reaches beyond.
    let margin = select(0.0, look.margin, tile.ring_width > 0.0);
    let local = unit * (look.tile + 2.0 * margin) - margin;
    let at = (tile.corner + local) / look.screen * 2.0 - 1.0;
    return Point(vec4f(at.x, -at.y, 0.0, 1.0), local, vec2f(tile.texel), tile.ring, tile.ring_width, tile.there);
}

fn image(local: vec2f, texel: vec2f) -> vec4f {
    var at = local * look.cell / look.tile;
    if look.crisp == 1u {
        // Screen pixels a texel. Between texels one screen pixel mixes both, so that all look equally large.
        let size = max(look.tile / look.cell, vec2f(1.0));
        let seam = floor(at + 0.5);
        at = seam + clamp((at - seam) * size, vec2f(-0.5), vec2f(0.5));
    }
    // Half a texel from the edge: neighbours in the atlas do not shine through.
    at = clamp(at, vec2f(0.5), look.cell - 0.5);
    return textureSampleLevel(page, smoothly, (texel + at) / vec2f(textureDimensions(page)), 0.0);
}

// Distance to the tile's edge, negative inside; corners are round.
fn edge(local: vec2f) -> f32 {
    let q = abs(local - 0.5 * look.tile) - 0.5 * look.tile + look.radius;
    return length(max(q, vec2f(0.0))) + min(max(q.x, q.y), 0.0) - look.radius;
}

fn decoded(c: vec3f) -> vec3f {
    return select(pow((c + 0.055) / 1.055, vec3f(2.4)), c / 12.92, c <= vec3f(0.04045));
}

@fragment
fn tile_color(point: Point) -> @location(0) vec4f {
    // Far from any edge, as nearly all pixels are, there is nothing but the image.
    let inset = min(point.local, look.tile - point.local);
    var out = look.blank;
    if point.there == 1u && min(inset.x, inset.y) > 0.0 {
        let colour = image(point.local, point.texel);
        out = colour + look.blank * (1.0 - colour.a);
    }
    if min(inset.x, inset.y) < look.radius + 0.5 {
        let d = edge(point.local);
        out *= clamp(0.5 - d, 0.0, 1.0);
        // One pixel of air between an image and its ring, so that the ring takes nothing from the image's colours.
        let ring = clamp(d - 0.5, 0.0, 1.0) * clamp(1.5 + point.ring_width - d, 0.0, 1.0);
        out = mix(out, point.ring, select(0.0, ring, point.ring_width > 0.0));
    }
    if look.linear_target == 1u && out.a > 0.0 {
        out = vec4f(decoded(out.rgb / out.a) * out.a, out.a);
    }
    return out;
}
