//! The image grid on the graphics card: atlas pages, the shader, and one draw call per page.

use std::ops::Range;

use eframe::egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use egui::{Color32, PaintCallbackInfo};
use wgpu::util::DeviceExt as _;

/// A tile as the shader reads it. Lengths are in screen pixels.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Instance {
    /// Top left corner.
    pub corner: [f32; 2],
    /// Top left texel of its cell.
    pub texel: [u16; 2],
    /// Colour of its ring.
    pub ring: [u8; 4],
    /// Width of its ring; 0 for none.
    pub ring_width: f32,
    /// 1 where the cell contains its image.
    pub has_image: u32,
}

/// The uniforms of all tiles, laid out as `Uniforms` in `image_grid.wgsl`.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Uniforms {
    screen: [f32; 2],
    tile: [f32; 2],
    cell: [f32; 2],
    radius: f32,
    margin: f32,
    blank: [f32; 4],
    nearest: u32,
    linear_target: u32,
    padding: [u32; 2],
}

/// The appearance of all tiles.
#[derive(Clone, Copy, Debug)]
pub struct TileStyle {
    /// Size of a tile in screen pixels.
    pub tile: [f32; 2],
    /// Size of an image in texels.
    pub cell: [usize; 2],
    /// Corner radius in screen pixels.
    pub radius: f32,
    /// Largest extent of a ring beyond its tile, in screen pixels.
    pub margin: f32,
    /// Colour where there is no image yet.
    pub blank: Color32,
    /// Whether enlarged texels keep sharp edges.
    pub nearest: bool,
}

struct Page {
    texture: wgpu::Texture,
    group: wgpu::BindGroup,
}

/// The resources on the graphics card.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::RenderPipeline,
    page_layout: wgpu::BindGroupLayout,
    uniform: wgpu::Buffer,
    common: wgpu::BindGroup,
    instances: wgpu::Buffer,
    pages: Vec<Page>,
    page_side: u32,
    linear_target: bool,
}

impl Gpu {
    /// Compiles the shader. Pages are created when they are needed.
    pub fn new(state: &RenderState, page_side: u32) -> Self {
        let device = &state.device;
        let shader = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("image grid"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../../../shaders/image_grid.wgsl").into()),
        });
        let entry = |binding, visibility, ty| wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None };
        let (both, fragment) = (wgpu::ShaderStages::VERTEX_FRAGMENT, wgpu::ShaderStages::FRAGMENT);
        let buffer = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let common_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("image grid"),
            entries: &[
                entry(0, both, buffer),
                entry(1, fragment, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            ],
        });
        let texture = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let page_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("image grid page"),
            entries: &[entry(0, fragment, texture)],
        });
        let uniform = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("image grid uniforms"),
            contents: bytemuck::bytes_of(&Uniforms::default()),
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("image grid"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        let common = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("image grid"),
            layout: &common_layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&sampler) },
            ],
        });
        let pipeline = pipeline(state, &shader, &[Some(&common_layout), Some(&page_layout)]);
        Self {
            device: device.clone(),
            queue: state.queue.clone(),
            pipeline,
            page_layout,
            uniform,
            common,
            instances: instances(device, 1024),
            pages: Vec::new(),
            page_side,
            linear_target: state.target_format.is_srgb(),
        }
    }

    /// Frees all pages.
    pub fn clear(&mut self) {
        self.pages.clear();
    }

    /// Writes an image into a page.
    pub fn upload(&mut self, page: usize, texel: [u16; 2], size: [usize; 2], rgba: &[u8]) {
        self.pages_up_to(page);
        let Some(page) = self.pages.get(page) else {
            debug_assert!(false, "page {page} was just created");
            return;
        };
        let size = size.map(|v| v as u32);
        self.queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                texture: &page.texture,
                mip_level: 0,
                origin: wgpu::Origin3d { x: texel[0].into(), y: texel[1].into(), z: 0 },
                aspect: wgpu::TextureAspect::All,
            },
            rgba,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * size[0]), rows_per_image: Some(size[1]) },
            wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
        );
    }

    fn pages_up_to(&mut self, page: usize) {
        while self.pages.len() <= page {
            let texture = self.device.create_texture(&wgpu::TextureDescriptor {
                label: Some("image grid page"),
                size: wgpu::Extent3d { width: self.page_side, height: self.page_side, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                // The format of egui's own textures, so that colours are not converted.
                format: wgpu::TextureFormat::Rgba8Unorm,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            });
            let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("image grid page"),
                layout: &self.page_layout,
                entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) }],
            });
            self.pages.push(Page { texture, group });
        }
    }

    /// The paint callback for these tiles. `pages` lists the range of tiles of each page.
    pub fn draw(&mut self, style: &TileStyle, tiles: &[Instance], pages: &[(usize, Range<u32>)]) -> TileCallback {
        self.pages_up_to(pages.iter().map(|(page, _)| *page).max().unwrap_or(0));
        let bytes: &[u8] = bytemuck::cast_slice(tiles);
        if self.instances.size() < bytes.len() as u64 {
            self.instances = instances(&self.device, tiles.len().next_power_of_two());
        }
        self.queue.write_buffer(&self.instances, 0, bytes);
        let draws =
            pages.iter().filter_map(|(page, range)| Some((self.pages.get(*page)?.group.clone(), range.clone())));
        TileCallback {
            pipeline: self.pipeline.clone(),
            common: self.common.clone(),
            instances: self.instances.clone(),
            draws: draws.collect(),
            uniform: self.uniform.clone(),
            uniform_values: Uniforms {
                tile: style.tile,
                cell: style.cell.map(|v| v as f32),
                radius: style.radius,
                margin: style.margin,
                blank: style.blank.to_array().map(|v| f32::from(v) / 255.0),
                nearest: style.nearest.into(),
                linear_target: self.linear_target.into(),
                ..Uniforms::default()
            },
        }
    }
}

fn instances(device: &wgpu::Device, count: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("image grid tiles"),
        size: (count * size_of::<Instance>()) as u64,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn pipeline(
    state: &RenderState,
    shader: &wgpu::ShaderModule,
    groups: &[Option<&wgpu::BindGroupLayout>],
) -> wgpu::RenderPipeline {
    let layout = state.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("image grid"),
        bind_group_layouts: groups,
        immediate_size: 0,
    });
    let attributes = wgpu::vertex_attr_array![0 => Float32x2, 1 => Uint16x2, 2 => Unorm8x4, 3 => Float32, 4 => Uint32];
    let target = wgpu::ColorTargetState {
        format: state.target_format,
        blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
        write_mask: wgpu::ColorWrites::ALL,
    };
    state.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("image grid"),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: shader,
            entry_point: Some("tile_corner"),
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: size_of::<Instance>() as u64,
                step_mode: wgpu::VertexStepMode::Instance,
                attributes: &attributes,
            })],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        },
        primitive: wgpu::PrimitiveState {
            topology: wgpu::PrimitiveTopology::TriangleStrip,
            ..wgpu::PrimitiveState::default()
        },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: shader,
            entry_point: Some("tile_color"),
            targets: &[Some(target)],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// Draws the tiles of a frame within egui's render pass.
pub struct TileCallback {
    pipeline: wgpu::RenderPipeline,
    common: wgpu::BindGroup,
    instances: wgpu::Buffer,
    draws: Vec<(wgpu::BindGroup, Range<u32>)>,
    uniform: wgpu::Buffer,
    uniform_values: Uniforms,
}

impl CallbackTrait for TileCallback {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        _resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        // The exact size of the render target is known only here.
        let values = Uniforms { screen: screen.size_in_pixels.map(|v| v as f32), ..self.uniform_values };
        queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&values));
        Vec::new()
    }

    fn paint(&self, info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, _resources: &CallbackResources) {
        let [width, height] = info.screen_size_px;
        pass.set_viewport(0.0, 0.0, width as f32, height as f32, 0.0, 1.0);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.common, &[]);
        pass.set_vertex_buffer(0, self.instances.slice(..));
        for (page, tiles) in &self.draws {
            pass.set_bind_group(1, page, &[]);
            pass.draw(0..4, tiles.clone());
        }
    }
}
