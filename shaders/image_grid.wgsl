// The image grid: one quad per tile, textured from an atlas page, with a ring around marked tiles.
// Lengths are in screen pixels. Colours are gamma encoded and premultiplied, as in egui.

struct Uniforms {
    // Size of the render target.
    screen: vec2f,
    // Size of a tile, without its ring.
    tile: vec2f,
    // Size of an image in the atlas, in texels.
    cell: vec2f,
    // Corner radius of tiles.
    radius: f32,
    // How far a ring extends beyond its tile.
    margin: f32,
    // Colour of tiles without an image.
    blank: vec4f,
    // 1: enlarged texels keep sharp edges.
    nearest: u32,
    // 1: the target expects linear colours.
    linear_target: u32,
}

@group(0) @binding(0) var<uniform> uniforms: Uniforms;
@group(0) @binding(1) var linear_sampler: sampler;
@group(1) @binding(0) var page: texture_2d<f32>;

struct Tile {
    // Top left corner.
    @location(0) corner: vec2f,
    // Top left texel of its cell.
    @location(1) texel: vec2u,
    @location(2) ring: vec4f,
    @location(3) ring_width: f32,
    // 1: the cell contains its image.
    @location(4) has_image: u32,
}

struct Point {
    @builtin(position) position: vec4f,
    // From the tile's top left corner.
    @location(0) local: vec2f,
    @location(1) @interpolate(flat) texel: vec2f,
    @location(2) @interpolate(flat) ring: vec4f,
    @location(3) @interpolate(flat) ring_width: f32,
    @location(4) @interpolate(flat) has_image: u32,
}

@vertex
fn tile_corner(tile: Tile, @builtin(vertex_index) index: u32) -> Point {
    let unit = vec2f(f32(index & 1u), f32(index >> 1u));
    // Tiles are aligned to whole pixels, so the quad is larger only where it has a ring.
    let margin = select(0.0, uniforms.margin, tile.ring_width > 0.0);
    let local = unit * (uniforms.tile + 2.0 * margin) - margin;
    let position = (tile.corner + local) / uniforms.screen * 2.0 - 1.0;
    return Point(vec4f(position.x, -position.y, 0.0, 1.0), local, vec2f(tile.texel), tile.ring, tile.ring_width, tile.has_image);
}

fn image(local: vec2f, texel: vec2f) -> vec4f {
    var at = local * uniforms.cell / uniforms.tile;
    if uniforms.nearest == 1u {
        // Screen pixels per texel. One screen pixel at each edge mixes two texels, so that all texels look equally large.
        let size = max(uniforms.tile / uniforms.cell, vec2f(1.0));
        let seam = floor(at + 0.5);
        at = seam + clamp((at - seam) * size, vec2f(-0.5), vec2f(0.5));
    }
    // At least half a texel from the edge, so that neighbours in the atlas do not bleed in.
    at = clamp(at, vec2f(0.5), uniforms.cell - 0.5);
    return textureSampleLevel(page, linear_sampler, (texel + at) / vec2f(textureDimensions(page)), 0.0);
}

// Signed distance to the rounded rectangle of the tile, negative inside.
fn signed_distance(local: vec2f) -> f32 {
    let q = abs(local - 0.5 * uniforms.tile) - 0.5 * uniforms.tile + uniforms.radius;
    return length(max(q, vec2f(0.0))) + min(max(q.x, q.y), 0.0) - uniforms.radius;
}

fn to_linear(c: vec3f) -> vec3f {
    return select(pow((c + 0.055) / 1.055, vec3f(2.4)), c / 12.92, c <= vec3f(0.04045));
}

@fragment
fn tile_color(point: Point) -> @location(0) vec4f {
    // Most pixels are far from any edge and show only the image.
    let inset = min(point.local, uniforms.tile - point.local);
    var out = uniforms.blank;
    if point.has_image == 1u && min(inset.x, inset.y) > 0.0 {
        let colour = image(point.local, point.texel);
        out = colour + uniforms.blank * (1.0 - colour.a);
    }
    if min(inset.x, inset.y) < uniforms.radius + 0.5 {
        let d = signed_distance(point.local);
        out *= clamp(0.5 - d, 0.0, 1.0);
        // One pixel of space between an image and its ring, so that the ring does not change the perceived colours.
        let ring = clamp(d - 0.5, 0.0, 1.0) * clamp(1.5 + point.ring_width - d, 0.0, 1.0);
        out = mix(out, point.ring, select(0.0, ring, point.ring_width > 0.0));
    }
    if uniforms.linear_target == 1u && out.a > 0.0 {
        out = vec4f(to_linear(out.rgb / out.a) * out.a, out.a);
    }
    return out;
}
