//! Named threads that reduce large images. They take what is on screen now: what was scrolled away is never made.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use egui::Context;
use fast_image_resize::Resizer;
use parking_lot::{Condvar, Mutex};

use super::thumbs;
use whence_data::Dataset;

/// Threads: images are small, and the compute thread wants the rest.
const THREADS: usize = 2;
/// Finished images that may wait for the window.
const WAITING: usize = 64;

/// A finished image.
pub struct Made {
    /// Which image.
    pub image: usize,
    /// Its pixels; none where they cannot be made.
    pub rgba: Option<Vec<u8>>,
}

#[derive(Default)]
struct Wanted {
    /// What to make, the most urgent last.
    images: Vec<usize>,
    /// What is being made.
    under_way: Vec<usize>,
    closed: bool,
}

/// The threads, for one dataset and one size.
pub struct Workers {
    shared: Arc<(Mutex<Wanted>, Condvar)>,
    /// What was finished.
    pub made: Receiver<Made>,
}

impl Workers {
    /// Starts the threads; fewer where the system gives fewer.
    pub fn new(ctx: &Context, dataset: &Dataset, cell: [usize; 2]) -> Self {
        let (sender, made) = bounded(WAITING);
        let workers = Self { shared: Arc::default(), made };
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

    /// Says what is wanted now, the most urgent first, in place of everything wanted before.
    pub fn want(&self, images: &[usize]) {
        let (lock, wake) = &*self.shared;
        let mut wanted = lock.lock();
        let Wanted { images: list, under_way, .. } = &mut *wanted;
        list.clear();
        list.extend(images.iter().rev().filter(|image| !under_way.contains(image)));
        if !list.is_empty() {
            wake.notify_all();
        }
    }

    /// Takes a finished image.
    pub fn next(&self) -> Option<Made> {
        let made = self.made.try_recv().ok()?;
        self.shared.0.lock().under_way.retain(|image| *image != made.image);
        Some(made)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let (lock, wake) = &*self.shared;
        lock.lock().closed = true;
        wake.notify_all();
    }
}

fn work(ctx: &Context, dataset: &Dataset, cell: [usize; 2], shared: &(Mutex<Wanted>, Condvar), made: &Sender<Made>) {
    let (lock, wake) = shared;
    let mut resizer = Resizer::new();
    loop {
        let image = {
            let mut wanted = lock.lock();
            loop {
                if wanted.closed {
                    return;
                }
                if let Some(image) = wanted.images.pop() {
                    wanted.under_way.push(image);
                    break image;
                }
                wake.wait(&mut wanted);
            }
        };
        let rgba = thumbs::reduced(dataset.shape(), dataset.pixels(image), cell, &mut resizer);
        if let Err(TrySendError::Full(waiting)) = made.try_send(Made { image, rgba }) {
            // The window is behind: it is woken, and this thread waits for it.
            ctx.request_repaint();
            if made.send(waiting).is_err() {
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
    fn what_is_wanted_is_made_and_what_was_scrolled_away_is_not() {
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
        workers.want(&(0..40).collect::<Vec<_>>());
        workers.want(&[3, 5]);
        let mut seen = Vec::new();
        while !(seen.contains(&3) && seen.contains(&5)) {
            let made = workers.made.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
            let i = u8::try_from(made.image).unwrap();
            assert_eq!(made.rgba.unwrap()[..4], [i, 100, 200 - i, 255]);
            seen.push(made.image);
        }
        // At most what was under way when the window changed its mind.
        assert!(seen.len() < 20, "{seen:?}");
    }
}
