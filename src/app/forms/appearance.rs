//! How evidence is displayed: plain data that panels change.

use crate::app::widgets::Contrast;
use whence_diffusion::elbo::Region;

/// How evidence is displayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Appearance {
    /// How the image and the regenerated one are compared.
    pub contrast: Contrast,
    /// Whether it is compared with the retrained model's image, where there is one, instead of the unlearned model's.
    pub retrained: bool,
    /// How strong a map covers the image, 0 to 1.
    pub opacity: f32,
    /// Whether a map's cells blend into each other.
    pub smooth: bool,
    /// The selected part of the image; all of it where absent.
    pub brush: Option<Brush>,
}

impl Default for Appearance {
    fn default() -> Self {
        Self { contrast: Contrast::default(), retrained: false, opacity: 0.85, smooth: false, brush: None }
    }
}

impl Appearance {
    /// The region brushed on this query. A region of another query is forgotten.
    pub fn region(&mut self, query: u64) -> Option<Region> {
        self.brush = self.brush.filter(|b| b.query == query);
        self.brush.map(|b| b.region)
    }
}

/// A rectangle of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brush {
    /// Key of the query.
    pub query: u64,
    /// The cells inside.
    pub region: Region,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_belongs_to_one_query() {
        let region = Region { left: 1, top: 2, right: 3, bottom: 4 };
        let mut appearance = Appearance { brush: Some(Brush { query: 7, region }), ..Appearance::default() };
        assert_eq!(appearance.region(7), Some(region));
        assert_eq!(appearance.region(8), None);
        assert_eq!(appearance.region(7), None, "it does not come back");
    }
}
