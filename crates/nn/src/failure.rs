//! Failures of compute devices.

use burn::tensor::Device;

use whence_base::Error;

/// A device's failure, by the driver's message: out of memory, or lost.
pub fn device_failure(device: &Device, what: String) -> Error {
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
