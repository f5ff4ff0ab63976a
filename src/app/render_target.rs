//! A texture that triangles are drawn into, instead of the window.

use eframe::egui_wgpu::{Renderer, ScreenDescriptor};
use egui::ClippedPrimitive;

/// Records drawing into a new texture of the screen's size, black below. `usage` is what else the texture is for.
pub fn record(
    device: &wgpu::Device,
    encoder: &mut wgpu::CommandEncoder,
    renderer: &Renderer,
    (format, usage): (wgpu::TextureFormat, wgpu::TextureUsages),
    triangles: &[ClippedPrimitive],
    screen: &ScreenDescriptor,
) -> wgpu::Texture {
    let [width, height] = screen.size_in_pixels;
    let target = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("whence render target"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | usage,
        view_formats: &[],
    });
    let view = target.create_view(&wgpu::TextureViewDescriptor::default());
    let color = wgpu::RenderPassColorAttachment {
        view: &view,
        resolve_target: None,
        depth_slice: None,
        ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
    };
    let pass = wgpu::RenderPassDescriptor { color_attachments: &[Some(color)], ..Default::default() };
    let mut pass = encoder.begin_render_pass(&pass).forget_lifetime();
    renderer.render(&mut pass, triangles, screen);
    drop(pass);
    target
}
