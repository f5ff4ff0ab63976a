//! How the window takes an image of itself, larger than it is: more pixels a point, a window grown by as much so that
//! nothing moves, some quiet frames, the image, and everything back as it was.

use std::sync::Arc;

use egui::{ColorImage, Context, Rect, Vec2, ViewportCommand};

use super::ExportRequest;

/// Frames without a change before the image is taken: sizes, textures and text have settled by then.
const SETTLED: u32 = 10;

/// Frames that the window system gets to change the window, and to hand out the image.
const PATIENCE: u32 = 240;

/// Most pixels per side that every graphics card supports.
const LARGEST: f32 = 8192.0;

/// How the window is now.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Now {
    /// Zoom factor.
    zoom: f32,
    /// Pixels a point.
    pixels: f32,
    /// Size in points.
    size: Vec2,
}

impl Now {
    fn of(ctx: &Context) -> Self {
        Self { zoom: ctx.zoom_factor(), pixels: ctx.pixels_per_point(), size: ctx.content_rect().size() }
    }
}

/// What is done to the window.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// Wait for the next frame.
    Wait,
    /// Set the zoom factor.
    Zoom(f32),
    /// Set the size, in points.
    Resize(Vec2),
    /// Take the image.
    Capture,
    /// Nothing is left to do.
    Rest,
    /// It failed.
    GiveUp,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Phase {
    /// Nothing to do.
    #[default]
    Idle,
    /// On the way to the larger window: whether its size was requested, frames without a change, all frames.
    Growing { requested: bool, still: u32, frames: u32 },
    /// The image was requested.
    Capturing { frames: u32 },
    /// On the way back.
    Restoring { requested: bool, frames: u32 },
}

/// An image of the window that is being taken.
#[derive(Debug, Default)]
pub struct Capture {
    phase: Phase,
    /// The window before.
    before: Option<Now>,
    scale: f32,
    /// The part that is kept, in points.
    area: Option<Rect>,
    request: Option<ExportRequest>,
}

impl Capture {
    /// Begins an image `scale` times as large as on screen; of `area` alone, in points, where it is given.
    ///
    /// # Errors
    /// Images that are too large, and where one is being taken.
    pub fn begin(
        &mut self,
        ctx: &Context,
        scale: u8,
        area: Option<Rect>,
        request: ExportRequest,
    ) -> Result<(), String> {
        self.prepare(Now::of(ctx), f32::from(scale.max(1)))?;
        (self.area, self.request) = (area, Some(request));
        ctx.request_repaint();
        Ok(())
    }

    fn prepare(&mut self, now: Now, scale: f32) -> Result<(), String> {
        if self.phase != Phase::Idle {
            return Err("An image is already being captured".into());
        }
        let pixels = now.size * now.pixels * scale;
        if pixels.max_elem() > LARGEST {
            return Err(format!(
                "The image would be {:.0} × {:.0} pixels, and at most {LARGEST:.0} per side are possible. Choose a smaller scale, or make the window smaller.",
                pixels.x, pixels.y
            ));
        }
        (self.before, self.scale) = (Some(now), scale);
        self.phase = Phase::Growing { requested: scale == 1.0, still: 0, frames: 0 };
        Ok(())
    }

    /// Takes the next step; the image is handed to `post`.
    ///
    /// # Errors
    /// Where the window cannot become as large as it must.
    pub fn follow(&mut self, ctx: &Context, post: impl Fn(Arc<ColorImage>) + Send + 'static) -> Result<(), String> {
        let step = self.step(Now::of(ctx));
        match step {
            Step::Rest => return Ok(()),
            Step::Wait | Step::GiveUp => {}
            Step::Zoom(zoom) => ctx.set_zoom_factor(zoom),
            Step::Resize(size) => ctx.send_viewport_cmd(ViewportCommand::InnerSize(size)),
            Step::Capture => ctx.request_screenshot(post),
        }
        ctx.request_repaint();
        if step == Step::GiveUp {
            self.request = None;
            return Err("The window cannot be made as large as this image. Choose a smaller scale, or leave the \
                        full screen first"
                .into());
        }
        Ok(())
    }

    fn step(&mut self, now: Now) -> Step {
        let Some(before) = self.before else { return Step::Rest };
        let (step, next) = match self.phase {
            Phase::Idle => return Step::Rest,
            Phase::Growing { frames: PATIENCE, .. } | Phase::Capturing { frames: PATIENCE } => {
                (Step::GiveUp, Phase::Restoring { requested: self.scale == 1.0, frames: 0 })
            }
            Phase::Growing { requested, still, frames } => {
                let frames = frames + 1;
                let zoom = before.zoom * self.scale;
                if !close(now.zoom, zoom) {
                    (Step::Zoom(zoom), Phase::Growing { requested, still, frames })
                } else if !close(now.pixels, before.pixels * self.scale) {
                    (Step::Wait, Phase::Growing { requested, still, frames })
                } else if !requested {
                    (Step::Resize(before.size), Phase::Growing { requested: true, still, frames })
                } else if (now.size - before.size).abs().max_elem() > 1.0 {
                    (Step::Wait, Phase::Growing { requested, still: 0, frames })
                } else if still < SETTLED {
                    (Step::Wait, Phase::Growing { requested, still: still + 1, frames })
                } else {
                    (Step::Capture, Phase::Capturing { frames: 0 })
                }
            }
            Phase::Capturing { frames } => (Step::Wait, Phase::Capturing { frames: frames + 1 }),
            Phase::Restoring { requested, frames } => {
                if !close(now.zoom, before.zoom) {
                    (Step::Zoom(before.zoom), Phase::Restoring { requested, frames })
                } else if !close(now.pixels, before.pixels) && frames < PATIENCE {
                    (Step::Wait, Phase::Restoring { requested, frames: frames + 1 })
                } else if requested {
                    self.before = None;
                    (Step::Rest, Phase::Idle)
                } else {
                    (Step::Resize(before.size), Phase::Restoring { requested: true, frames })
                }
            }
        };
        self.phase = next;
        step
    }

    /// The image is there: what was requested for, the bytes of its part, and their size. None where nobody waits for it.
    pub fn finish(&mut self, image: &ColorImage) -> Option<(ExportRequest, Vec<u8>, (u32, u32))> {
        let request = self.request.take()?;
        let before = self.before?;
        self.phase = Phase::Restoring { requested: self.scale == 1.0, frames: 0 };
        let pixels = before.pixels * self.scale;
        let [width, height] = image.size;
        let whole = (0, 0, width, height);
        let (left, top, right, bottom) = self.area.map_or(whole, |area| {
            let at = |points: f32, most: usize| ((points * pixels).round().max(0.0) as usize).min(most);
            (at(area.left(), width), at(area.top(), height), at(area.right(), width), at(area.bottom(), height))
        });
        let rows = image.pixels.chunks(width.max(1)).skip(top).take(bottom.saturating_sub(top));
        let part = rows.flat_map(|row| row.iter().skip(left).take(right.saturating_sub(left)));
        let rgb = part.flat_map(|p| [p.r(), p.g(), p.b()]).collect();
        Some((request, rgb, ((right.saturating_sub(left)) as u32, bottom.saturating_sub(top) as u32)))
    }
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-3 * b.abs()
}

#[cfg(test)]
mod tests {
    use egui::{Color32, pos2, vec2};

    use super::*;
    use crate::app::export::Export;

    const BEFORE: Now = Now { zoom: 1.25, pixels: 2.5, size: vec2(640.0, 400.0) };

    /// A window that obeys, where `obeys`: what was done to it until nothing more is, and where the image was taken.
    fn drive(scale: f32, obeys: bool) -> (Vec<Step>, Option<Now>, Now) {
        let mut shot = Capture::default();
        shot.prepare(BEFORE, scale).unwrap();
        let (mut now, mut done, mut taken) = (BEFORE, Vec::new(), None);
        for _ in 0..2000 {
            let step = shot.step(now);
            match step {
                Step::Zoom(zoom) => {
                    let factor = zoom / now.zoom;
                    // The window keeps its pixels, so its points become fewer.
                    now = Now { zoom, pixels: now.pixels * factor, size: now.size / factor };
                }
                Step::Resize(size) if obeys => now.size = size,
                Step::Capture => {
                    taken = Some(now);
                    shot.request = Some(request());
                    let image = ColorImage::filled([8, 8], Color32::WHITE);
                    assert!(shot.finish(&image).is_some());
                }
                Step::Rest => break,
                _ => {}
            }
            if step != Step::Wait {
                done.push(step);
            }
        }
        assert_eq!(shot.phase, Phase::Idle, "it ends");
        (done, taken, now)
    }

    fn request() -> ExportRequest {
        ExportRequest { what: Export::Image { scale: 2 }, path: "/a.png".into(), replace: false }
    }

    #[test]
    fn the_window_grows_is_taken_and_is_as_before() {
        let (done, taken, after) = drive(2.0, true);
        let [Step::Zoom(_), Step::Resize(_), Step::Capture, Step::Zoom(_), Step::Resize(_)] = done.as_slice() else {
            panic!("{done:?}")
        };
        let taken = taken.unwrap();
        assert_eq!((taken.pixels, taken.size), (5.0, BEFORE.size), "twice the pixels, the same layout");
        assert_eq!(after, BEFORE);
    }

    #[test]
    fn at_its_own_size_nothing_is_changed() {
        let (done, taken, after) = drive(1.0, false);
        assert_eq!(done, [Step::Capture]);
        assert_eq!((taken, after), (Some(BEFORE), BEFORE));
    }

    #[test]
    fn a_window_that_cannot_grow_gives_up_and_is_put_back() {
        let (done, taken, after) = drive(4.0, false);
        assert!(done.contains(&Step::GiveUp) && taken.is_none());
        assert_eq!((after.zoom, after.pixels), (BEFORE.zoom, BEFORE.pixels));
    }

    #[test]
    fn an_image_that_never_comes_is_given_up() {
        let mut shot = Capture::default();
        shot.prepare(BEFORE, 1.0).unwrap();
        assert!(shot.prepare(BEFORE, 1.0).is_err(), "one at a time");
        let steps: Vec<Step> = (0..2000).map(|_| shot.step(BEFORE)).collect();
        assert!(steps.contains(&Step::Capture) && steps.contains(&Step::GiveUp));
        assert_eq!(steps.last(), Some(&Step::Rest));
        assert!(shot.finish(&ColorImage::filled([8, 8], Color32::WHITE)).is_none(), "it comes too late");
    }

    #[test]
    fn too_large_images_are_refused() {
        let text = Capture::default().prepare(BEFORE, 6.0).unwrap_err();
        assert!(text.contains("9600 × 6000") && text.contains("smaller scale"), "{text}");
    }

    #[test]
    fn only_the_part_of_the_view_is_kept() {
        let mut shot = Capture::default();
        shot.prepare(Now { zoom: 1.0, pixels: 1.0, size: vec2(4.0, 3.0) }, 2.0).unwrap();
        let pixels = (0..48).map(|i| Color32::from_rgb(i, 0, 0)).collect();
        let image = ColorImage::new([8, 6], pixels);
        shot.area = Some(Rect::from_min_max(pos2(1.0, 1.0), pos2(3.0, 9.0)));
        shot.request = Some(request());
        let (_, rgb, size) = shot.finish(&image).unwrap();
        assert_eq!(size, (4, 4));
        let reds: Vec<u8> = rgb.chunks(3).map(|p| p[0]).collect();
        assert_eq!(reds, [18, 19, 20, 21, 26, 27, 28, 29, 34, 35, 36, 37, 42, 43, 44, 45]);
    }
}
