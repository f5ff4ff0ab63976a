//! Failures of compute devices.

use burn::tensor::Device;

use whence_base::Error;

/// Message of a panic.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// A device's failure: out of memory, or lost.
pub(super) fn failure(device: &Device, what: String) -> Error {
    let device = format!("{device:?}");
    if whence_base::is_out_of_memory(&what) {
        return Error::Memory { device, what };
    }
    Error::Device {
        device,
        what: format!("it failed while computing ({what})"),
        remedy: "Run the job again, or choose the CPU as the device".into(),
    }
}
