//! The training images near to a report's image.

use super::{ReportImage, ReportQuery};
use whence_data::{Dataset, nearest};
use whence_methods::rank;

/// Groups whose nearest images are shown: those that lead.
const GROUPS: usize = 3;

impl ReportQuery {
    /// Adds the training images nearest to the image, so many of each of the groups that lead.
    pub fn add_nearest(&mut self, dataset: &Dataset, each: usize) {
        let leaders = rank(&self.attribution.scores).into_iter().take(GROUPS);
        let found = leaders.filter_map(|r| {
            let name = &self.attribution.scores.get(r.index)?.group;
            let group = dataset.groups().iter().position(|g| g == name)?;
            let near = nearest(dataset, &self.image.pixels, group, each).into_iter();
            let images: Vec<ReportImage> = near
                .map(|n| ReportImage {
                    pixels: dataset.pixels(n.index).to_vec(),
                    shape: dataset.shape(),
                    caption: caption(dataset.image_name(n.index), n.distance),
                })
                .collect();
            (!images.is_empty()).then(|| (name.clone(), images))
        });
        self.nearest = found.collect();
    }
}

/// The group stands above its images, so that the file's own name is enough.
fn caption(name: &str, distance: f64) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    format!("{file}, {distance:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_a_file_and_its_distance() {
        assert_eq!(caption("hatching/118.png", 16.669), "118.png, 16.67");
        assert_eq!(caption("17", 2.0), "17, 2.00");
    }
}
