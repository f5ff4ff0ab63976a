//! Draws the window as it is now into a texture, larger than on screen, without touching the window.
//!
//! The same panels are laid out once more, in a context of their own that has the window's memory, fonts and styles, so that
//! tabs, scroll positions and sizes are those on screen. They are drawn by the window's renderer, which has the images of
//! the library and the shaders; textures of the second context get numbers beyond those of the first.

use std::time::Duration;

use eframe::egui_wgpu::{RenderState, ScreenDescriptor};
use egui::epaint::{ClippedPrimitive, Primitive, TextureId, textures::TexturesDelta};
use egui::{ColorImage, Context, RawInput, Rect, Ui, Vec2, ViewportId, ViewportInfo};

use crate::app::render_target;

/// Layouts before the image is taken: sizes that depend on contents have settled by then.
const LAYOUTS: usize = 3;

/// Added to the numbers of textures of the second context.
const BEYOND: u64 = 1 << 40;

/// How long the graphics card may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An image on the graphics card, to be read on another thread.
pub struct Drawn {
    device: wgpu::Device,
    buffer: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    /// Size of the whole window in pixels.
    size: [u32; 2],
    bytes_per_row: u32,
    /// Whether blue comes first.
    bgra: bool,
    /// The part that is kept, in pixels.
    area: Rect,
}

/// Lays the window out again with `scale` times as many pixels, and draws it. Of the image, `area` is kept, in points.
///
/// # Errors
/// Images that are larger than the graphics card allows.
pub fn draw(
    ctx: &Context,
    own: &Context,
    graphics: &RenderState,
    scale: f32,
    area: Rect,
    mut show: impl FnMut(&mut Ui),
) -> Result<Drawn, String> {
    let screen = ctx.input(|i| i.raw.screen_rect).unwrap_or_else(|| ctx.content_rect());
    let pixels = ctx.pixels_per_point() * scale;
    let size = screen.size() * pixels;
    let limit = graphics.device.limits().max_texture_dimension_2d;
    if size.max_elem() > limit as f32 {
        return Err(too_large(size, limit));
    }
    let size = [size.x.round().max(1.0) as u32, size.y.round().max(1.0) as u32];
    own.memory_mut(|memory| *memory = ctx.memory(Clone::clone));
    own.set_fonts(ctx.fonts(|fonts| fonts.definitions().clone()));
    let native = ctx.input(|i| i.viewport().native_pixels_per_point).unwrap_or(1.0);
    let viewport = ViewportInfo { native_pixels_per_point: Some(native * scale), ..ViewportInfo::default() };
    let input = RawInput {
        screen_rect: Some(screen),
        time: Some(ctx.input(|i| i.time)),
        max_texture_side: Some(limit as usize),
        system_theme: ctx.input(|i| i.raw.system_theme),
        viewports: std::iter::once((ViewportId::ROOT, viewport)).collect(),
        ..RawInput::default()
    };
    let mut textures = TexturesDelta::default();
    let mut shapes = Vec::new();
    for _ in 0..LAYOUTS {
        let output = own.run_ui(input.clone(), &mut show);
        textures.append(output.textures_delta);
        shapes = output.shapes;
    }
    let mut triangles = own.tessellate(shapes, own.pixels_per_point());
    for ClippedPrimitive { primitive, .. } in &mut triangles {
        if let Primitive::Mesh(mesh) = primitive {
            mesh.texture_id = beyond(mesh.texture_id);
        }
    }
    let points = area.translate(-screen.min.to_vec2());
    Ok(paint(graphics, &triangles, textures, size, own.pixels_per_point(), points * pixels))
}

fn too_large(size: Vec2, limit: u32) -> String {
    format!(
        "The image would be {:.0} × {:.0} pixels, and at most {limit} per side are possible. Choose a smaller scale, or make \
         the window smaller.",
        size.x, size.y
    )
}

fn beyond(texture: TextureId) -> TextureId {
    match texture {
        TextureId::Managed(number) => TextureId::Managed(number + BEYOND),
        own @ TextureId::User(_) => own,
    }
}

fn paint(
    graphics: &RenderState,
    triangles: &[ClippedPrimitive],
    mut textures: TexturesDelta,
    size: [u32; 2],
    pixels_per_point: f32,
    area: Rect,
) -> Drawn {
    let (device, queue) = (&graphics.device, &graphics.queue);
    let mut renderer = graphics.renderer.write();
    let mut made = Vec::new();
    for (id, deltas) in textures.set.drain() {
        let id = beyond(id);
        deltas.iter().for_each(|delta| renderer.update_texture(device, queue, id, delta));
        made.push(id);
    }
    let screen = ScreenDescriptor { size_in_pixels: size, pixels_per_point };
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let others = renderer.update_buffers(device, queue, &mut encoder, triangles, &screen);
    let [width, height] = size;
    let extent = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    let target = render_target::record(
        device,
        &mut encoder,
        &renderer,
        (graphics.target_format, wgpu::TextureUsages::COPY_SRC),
        triangles,
        &screen,
    );
    let bytes_per_row = (4 * width).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("exported view"),
        size: u64::from(bytes_per_row) * u64::from(height),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(bytes_per_row), rows_per_image: None };
    encoder.copy_texture_to_buffer(
        target.as_image_copy(),
        wgpu::TexelCopyBufferInfo { buffer: &buffer, layout },
        extent,
    );
    let submission = queue.submit(others.into_iter().chain([encoder.finish()]));
    made.iter().for_each(|id| renderer.free_texture(id));
    let bgra = matches!(graphics.target_format.remove_srgb_suffix(), wgpu::TextureFormat::Bgra8Unorm);
    Drawn { device: device.clone(), buffer, submission, size, bytes_per_row, bgra, area }
}

impl Drawn {
    /// Waits for the graphics card, and reads the part that is kept.
    ///
    /// # Errors
    /// Where the graphics card does not answer.
    pub fn read(self) -> Result<ColorImage, String> {
        let failed = |what: String| format!("The graphics card did not return the image: {what}. Try a smaller scale.");
        let (sender, receiver) = crossbeam_channel::bounded(1);
        self.buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| _ = sender.send(result));
        let wait = wgpu::PollType::Wait { submission_index: Some(self.submission.clone()), timeout: Some(PATIENCE) };
        self.device.poll(wait).map_err(|e| failed(e.to_string()))?;
        let mapped = receiver.recv_timeout(PATIENCE).map_err(|e| failed(e.to_string()))?;
        mapped.map_err(|e| failed(e.to_string()))?;
        let bytes = self.buffer.slice(..).get_mapped_range().map_err(|e| failed(e.to_string()))?;
        let [width, height] = self.size;
        let at = |pixels: f32, most: u32| (pixels.round().max(0.0) as u32).min(most) as usize;
        let (left, right) = (at(self.area.left(), width), at(self.area.right(), width));
        let (top, bottom) = (at(self.area.top(), height), at(self.area.bottom(), height));
        let (columns, rows) = (right.saturating_sub(left), bottom.saturating_sub(top));
        let mut rgb = Vec::with_capacity(3 * columns * rows);
        for row in bytes.chunks(self.bytes_per_row as usize).skip(top).take(rows) {
            for pixel in row.chunks_exact(4).skip(left).take(columns) {
                let [a, b, c, _] = pixel.try_into().unwrap_or([0; 4]);
                rgb.extend(if self.bgra { [c, b, a] } else { [a, b, c] });
            }
        }
        Ok(ColorImage::from_rgb([columns, rows], &rgb))
    }
}
