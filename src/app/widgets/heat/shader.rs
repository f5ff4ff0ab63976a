//! The heat map on the graphics card: a texture of values, coloured by `shaders/heat.wgsl`.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use eframe::wgpu::util::DeviceExt as _;
use eframe::wgpu::{self, BindGroup, BindGroupLayout, Buffer, CommandBuffer, CommandEncoder, Device, Queue};
use egui::{Color32, Context, Id, PaintCallbackInfo, Rect, Shape};

use super::{Heat, THRESHOLD};
use crate::app::theme::{COOL, WARM};

/// The floats of the shader's `Uniforms`.
type Uniforms = [f32; 28];

/// The pipeline of a window, and the maps on screen by widget.
struct Resources {
    pipeline: wgpu::RenderPipeline,
    layout: BindGroupLayout,
    linear: bool,
    maps: HashMap<Id, GpuMap>,
}

/// One map on the graphics card.
struct GpuMap {
    /// The uploaded values. Owned, so that no other map can have the same address.
    values: Arc<[f32]>,
    uniforms: Buffer,
    bind: BindGroup,
}

/// Marks a context whose shader is installed.
#[derive(Clone, Copy, Default)]
struct Installed;

fn mark() -> Id {
    Id::unique("heat shader")
}

/// Installs the shader for this window. Without it, maps are drawn as coloured rectangles.
pub fn install(ctx: &Context, graphics: &RenderState) {
    let resources = Resources::new(&graphics.device, graphics.target_format);
    graphics.renderer.write().callback_resources.insert(resources);
    ctx.data_mut(|d| d.insert_temp(mark(), Installed));
}

pub(super) fn is_installed(ctx: &Context) -> bool {
    ctx.data(|d| d.get_temp::<Installed>(mark())).is_some()
}

/// The map as a shape.
pub(super) fn paint(ctx: &Context, id: Id, rect: Rect, heat: &Heat) -> Shape {
    let pixels = ctx.pixels_per_point();
    let callback = Paint { id, rect: rect * pixels, heat: heat.clone() };
    Shape::Callback(Callback::new_paint_callback(rect, callback))
}

struct Paint {
    id: Id,
    /// The image, in screen pixels.
    rect: Rect,
    heat: Heat,
}

impl Paint {
    fn uniforms(&self, linear: bool) -> Uniforms {
        let color = |c: Color32| [c.r(), c.g(), c.b(), c.a()].map(|v| f32::from(v) / 255.0);
        let flag = |is: bool| f32::from(u8::from(is));
        let (rect, heat) = (self.rect, &self.heat);
        let values = [rect.left(), rect.top(), rect.width(), rect.height()]
            .into_iter()
            .chain([heat.span.x, heat.span.y, heat.scale, heat.opacity])
            .chain(WARM.into_iter().chain(COOL).flat_map(color))
            .chain([THRESHOLD, flag(heat.smooth), flag(linear), 0.0]);
        let mut uniforms = [0.0; 28];
        debug_assert_eq!(values.clone().count(), uniforms.len(), "as laid out in heat.wgsl");
        for (slot, value) in uniforms.iter_mut().zip(values) {
            *slot = value;
        }
        uniforms
    }
}

impl CallbackTrait for Paint {
    fn prepare(
        &self,
        device: &Device,
        queue: &Queue,
        _: &ScreenDescriptor,
        _: &mut CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<CommandBuffer> {
        let Some(resources) = resources.get_mut::<Resources>() else { return Vec::new() };
        let uniforms = self.uniforms(resources.linear);
        match resources.maps.get(&self.id).filter(|p| Arc::ptr_eq(&p.values, &self.heat.values)) {
            Some(map) => queue.write_buffer(&map.uniforms, 0, bytemuck::cast_slice(&uniforms)),
            None => {
                let map = resources.upload(device, queue, &self.heat, &uniforms);
                resources.maps.insert(self.id, map);
            }
        }
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(resources) = resources.get::<Resources>() else { return };
        let Some(map) = resources.maps.get(&self.id) else { return };
        pass.set_pipeline(&resources.pipeline);
        pass.set_bind_group(0, &map.bind, &[]);
        pass.draw(0..3, 0..1);
    }
}

impl Resources {
    fn new(device: &Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("heat"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../../../shaders/heat.wgsl").into()),
        });
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        };
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let texture = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("heat"),
            entries: &[entry(0, uniform), entry(1, texture)],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("heat"),
            bind_group_layouts: &[Some(&layout)],
            ..Default::default()
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("heat"),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("corner"),
                buffers: &[],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("color"),
                targets: &[Some(wgpu::ColorTargetState {
                    format,
                    blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { pipeline, layout, linear: format.is_srgb(), maps: HashMap::new() }
    }

    fn upload(&self, device: &Device, queue: &Queue, heat: &Heat, uniforms: &Uniforms) -> GpuMap {
        let texture = device.create_texture_with_data(
            queue,
            &wgpu::TextureDescriptor {
                label: Some("heat"),
                size: wgpu::Extent3d {
                    width: heat.width as u32,
                    height: heat.height() as u32,
                    depth_or_array_layers: 1,
                },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::R32Float,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            },
            wgpu::util::TextureDataOrder::default(),
            bytemuck::cast_slice(&heat.values),
        );
        let buffer = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("heat"),
            contents: bytemuck::cast_slice(uniforms),
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let bind = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("heat"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&view) },
            ],
        });
        GpuMap { values: Arc::clone(&heat.values), uniforms: buffer, bind }
    }
}

#[cfg(test)]
mod tests {
    use egui::{Ui, pos2, vec2};
    use egui_kittest::Harness;

    use super::*;
    use crate::app::tests::bench;

    #[test]
    fn a_map_is_uploaded_once_whatever_its_appearance() {
        let Some(graphics) = bench::graphics() else { return };
        let draw = |ui: &mut Ui, heat: &mut Heat| {
            super::super::heat(
                ui.painter(),
                Id::unique("map"),
                Rect::from_min_size(pos2(0.0, 0.0), vec2(9.0, 9.0)),
                heat,
            );
        };
        let values = |v: f32| -> Arc<[f32]> { Arc::from([v, 2.0, 3.0, 4.0]) };
        let heat =
            Heat { values: values(1.0), width: 2, span: vec2(2.0, 2.0), scale: 4.0, opacity: 1.0, smooth: false };
        let builder = bench::with_graphics(Harness::builder().with_size([20.0, 20.0]), graphics.clone());
        let mut harness = builder.build_ui_state(draw, heat);
        let mut uniforms_after = |change: &dyn Fn(&mut Heat)| {
            change(harness.state_mut());
            harness.step();
            harness.render().unwrap();
            let renderer = graphics.renderer.read();
            let maps = &renderer.callback_resources.get::<Resources>().unwrap().maps;
            assert_eq!(maps.len(), 1);
            maps.values().next().unwrap().uniforms.clone()
        };
        let first = uniforms_after(&|_| {});
        assert_eq!(uniforms_after(&|heat| (heat.opacity, heat.smooth, heat.scale) = (0.5, true, 9.0)), first);
        assert_ne!(uniforms_after(&|heat| heat.values = values(7.0)), first);
    }
}
