//! What the graphics adapters report about themselves.

/// Name, driver, features and limits of every adapter, a line each. Only for child processes: a driver may crash here.
#[cfg(feature = "gpu")]
pub fn describe_adapters() -> Vec<String> {
    let mut lines = Vec::new();
    for backend in [wgpu::Backend::Vulkan, wgpu::Backend::Metal, wgpu::Backend::Dx12] {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: backend.into(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        for adapter in pollster::block_on(instance.enumerate_adapters(backend.into())) {
            lines.extend(describe(&adapter));
        }
    }
    lines
}

/// No adapters: a build without the feature `gpu` does not search for them.
#[cfg(not(feature = "gpu"))]
pub fn describe_adapters() -> Vec<String> {
    Vec::new()
}

#[cfg(feature = "gpu")]
fn describe(adapter: &wgpu::Adapter) -> Vec<String> {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let features = adapter.features();
    let with = |feature, name| format!("{name}: {}", if features.contains(feature) { "yes" } else { "no" });
    vec![
        format!("{} ({:?}, {:?})", info.name, info.device_type, info.backend),
        format!("  driver: {} {}", info.driver, info.driver_info),
        format!("  vendor and device: {:#06x} {:#06x}", info.vendor, info.device),
        format!("  largest buffer: {} MiB", limits.max_buffer_size >> 20),
        format!("  largest buffer that a kernel sees: {} MiB", limits.max_storage_buffer_binding_size >> 20),
        format!("  buffers per kernel: {}", limits.max_storage_buffers_per_shader_stage),
        format!(
            "  workgroup: {} invocations, {} x {} x {}, {} KiB of shared memory",
            limits.max_compute_invocations_per_workgroup,
            limits.max_compute_workgroup_size_x,
            limits.max_compute_workgroup_size_y,
            limits.max_compute_workgroup_size_z,
            limits.max_compute_workgroup_storage_size >> 10,
        ),
        format!("  workgroups per dimension: {}", limits.max_compute_workgroups_per_dimension),
        format!(
            "  {}, {}, {}",
            with(wgpu::Features::SUBGROUP, "subgroups"),
            with(wgpu::Features::SHADER_F16, "16-bit floats"),
            with(wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
        ),
    ]
}
