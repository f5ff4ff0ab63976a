//! Threads that reduce large images to the size of their tiles. Only what is visible now is reduced: requests are replaced
//! as the grid is scrolled.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use egui::Context;
use fast_image_resize::Resizer;
use parking_lot::{Condvar, Mutex};

use super::thumbs;
use whence_data::Dataset;

/// Number of threads. Few, because the engine needs the other cores.
const THREADS: usize = 2;
/// Finished images that can wait for the window.
const QUEUE_LENGTH: usize = 64;

/// A reduced image.
pub struct ReducedImage {
    /// Index of the image.
    pub image: usize,
    /// Its pixels; none where it cannot be reduced.
    pub rgba: Option<Vec<u8>>,
}

#[derive(Default)]
struct Requests {
    /// Images to reduce, the most urgent last.
    images: Vec<usize>,
    /// Images that are being reduced.
    in_progress: Vec<usize>,
    closed: bool,
}

/// The threads, for one dataset and one size.
pub struct Workers {
    shared: Arc<(Mutex<Requests>, Condvar)>,
    /// Finished images.
    pub results: Receiver<ReducedImage>,
}

impl Workers {
    /// Starts the threads; fewer where the system provides fewer.
    pub fn new(ctx: &Context, dataset: &Dataset, cell: [usize; 2]) -> Self {
        let (sender, results) = bounded(QUEUE_LENGTH);
        let workers = Self { shared: Arc::default(), results };
        for number in 0..THREADS {
            let (ctx, dataset, sender) = (ctx.clone(), dataset.clone(), sender.clone());
            let shared = Arc::clone(&workers.shared);
            let work = move || work(&ctx, &dataset, cell, &shared, &sender);
            if let Err(error) = std::thread::Builder::new().name(format!("whence-thumbs-{number}")).spawn(work) {
                tracing::warn!("no thread to reduce images: {error}");
            }
        }
        workers
    }

    /// Requests these images, the most urgent first, in place of all earlier requests.
    pub fn request(&self, images: &[usize]) {
        let (lock, wake) = &*self.shared;
        let mut requests = lock.lock();
        let Requests { images: list, in_progress, .. } = &mut *requests;
        list.clear();
        list.extend(images.iter().rev().filter(|image| !in_progress.contains(image)));
        if !list.is_empty() {
            wake.notify_all();
        }
    }

    /// Takes a finished image, if there is one.
    pub fn try_next(&self) -> Option<ReducedImage> {
        let reduced = self.results.try_recv().ok()?;
        self.shared.0.lock().in_progress.retain(|image| *image != reduced.image);
        Some(reduced)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let (lock, wake) = &*self.shared;
        lock.lock().closed = true;
        wake.notify_all();
    }
}

fn work(
    ctx: &Context,
    dataset: &Dataset,
    cell: [usize; 2],
    shared: &(Mutex<Requests>, Condvar),
    results: &Sender<ReducedImage>,
) {
    let (lock, wake) = shared;
    let mut resizer = Resizer::new();
    loop {
        let image = {
            let mut requests = lock.lock();
            loop {
                if requests.closed {
                    return;
                }
                if let Some(image) = requests.images.pop() {
                    requests.in_progress.push(image);
                    break image;
                }
                wake.wait(&mut requests);
            }
        };
        let rgba = thumbs::reduced(dataset.shape(), dataset.pixels(image), cell, &mut resizer);
        if let Err(TrySendError::Full(waiting)) = results.try_send(ReducedImage { image, rgba }) {
            // The queue is full: this thread wakes the window and waits for it.
            ctx.request_repaint();
            if results.send(waiting).is_err() {
                return;
            }
        }
        ctx.request_repaint();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_data::{ImageShape, LoadOptions};

    #[test]
    fn requested_images_are_reduced_and_replaced_requests_are_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        for i in 0..40u8 {
            let pixels: Vec<u8> = std::iter::repeat_n([i, 100, 200 - i], 64 * 64).flatten().collect();
            let path = folder.path().join(format!("a/{i:02}.png"));
            image::save_buffer(path, &pixels, 64, 64, image::ColorType::Rgb8).unwrap();
        }
        let shape = ImageShape { channels: 3, height: 64, width: 64 };
        let options = LoadOptions { shape: Some(shape), ..LoadOptions::default() };
        let dataset = Dataset::load(folder.path(), &options, &mut |_, _| Ok(())).unwrap();
        let workers = Workers::new(&Context::default(), &dataset, [8, 8]);
        workers.request(&(0..40).collect::<Vec<_>>());
        workers.request(&[3, 5]);
        let mut seen = Vec::new();
        while !(seen.contains(&3) && seen.contains(&5)) {
            let reduced = workers.results.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
            let i = u8::try_from(reduced.image).unwrap();
            assert_eq!(reduced.rgba.unwrap()[..4], [i, 100, 200 - i, 255]);
            seen.push(reduced.image);
        }
        // At most what was in progress when the requests were replaced.
        assert!(seen.len() < 20, "{seen:?}");
    }
}
