//! Which images lie in the atlas: what was seen least recently makes room first.

/// No slot.
const NONE: u32 = u32::MAX;

/// How far past the budget the images of a single frame may go.
const STRETCH: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Slot {
    image: u32,
    seen: u64,
}

/// The slots of an atlas, all of the same size.
#[derive(Debug)]
pub struct Cache {
    /// The slot of every image of the dataset.
    slot_of: Vec<u32>,
    slots: Vec<Slot>,
    /// Slots that may be taken, as they were last seen, oldest last.
    oldest: Vec<(u64, u32)>,
    within_budget: usize,
    frame: u64,
}

impl Cache {
    /// A cache for `images` images of `bytes` each that keeps to `budget` bytes. Only where more than that is on
    /// screen at once does it take more, up to four times as much.
    pub fn new(images: usize, bytes: usize, budget: usize) -> Self {
        let within_budget = (budget / bytes.max(1)).max(1);
        Self { slot_of: vec![NONE; images], slots: Vec::new(), oldest: Vec::new(), within_budget, frame: 1 }
    }

    /// How many images fit the budget.
    pub fn within_budget(&self) -> usize {
        self.within_budget
    }

    /// Begins a frame. What was seen before it may make room.
    pub fn begin_frame(&mut self) {
        self.frame += 1;
        self.oldest.clear();
    }

    /// The slot of an image that is on screen now; none where it has none.
    pub fn see(&mut self, image: usize) -> Option<u32> {
        let slot = self.slot_of.get(image).copied().filter(|s| *s != NONE)?;
        self.slots.get_mut(slot as usize)?.seen = self.frame;
        Some(slot)
    }

    /// Whether an image has a slot, without seeing it.
    pub fn holds(&self, image: usize) -> bool {
        self.slot_of.get(image).is_some_and(|s| *s != NONE)
    }

    /// Gives an image a slot, whose earlier content is lost. None where everything kept is on screen and there is no
    /// more room, or where there is no such image.
    pub fn claim(&mut self, image: usize) -> Option<u32> {
        if let Some(slot) = self.see(image) {
            return Some(slot);
        }
        let number = u32::try_from(image).ok().filter(|_| image < self.slot_of.len())?;
        let slot = self.next()?;
        self.give(slot, number);
        Some(slot)
    }

    /// Gives an image this very slot, where it has none and the slot is the next one to be given.
    pub fn claim_at(&mut self, image: usize, slot: u32) -> bool {
        let Some(number) = u32::try_from(image).ok().filter(|_| image < self.slot_of.len()) else { return false };
        if self.holds(image) {
            return false;
        }
        let Some(next) = self.next() else { return false };
        if next == slot {
            self.give(slot, number);
        } else {
            self.keep(next);
        }
        next == slot
    }

    /// The slot that is given next; one past the last where there is room for more.
    fn next(&mut self) -> Option<u32> {
        let count = self.slots.len();
        let fresh = u32::try_from(count).ok();
        if count < self.within_budget {
            return fresh;
        }
        self.oldest().or_else(|| fresh.filter(|_| count < self.within_budget * STRETCH))
    }

    fn give(&mut self, slot: u32, image: u32) {
        let fresh = Slot { image, seen: self.frame };
        match self.slots.get_mut(slot as usize) {
            Some(old) => {
                let gone = std::mem::replace(old, fresh).image;
                if let Some(entry) = self.slot_of.get_mut(gone as usize) {
                    *entry = NONE;
                }
            }
            None => self.slots.push(fresh),
        }
        if let Some(entry) = self.slot_of.get_mut(image as usize) {
            *entry = slot;
        }
    }

    /// Whether `claim` would give a slot.
    pub fn has_room(&mut self) -> bool {
        let next = self.next();
        if let Some(slot) = next {
            self.keep(slot);
        }
        next.is_some()
    }

    /// Puts a slot back that was not given after all.
    fn keep(&mut self, slot: u32) {
        if let Some(seen) = self.slots.get(slot as usize).map(|s| s.seen) {
            self.oldest.push((seen, slot));
        }
    }

    /// The slot seen least recently, if before this frame.
    fn oldest(&mut self) -> Option<u32> {
        if self.oldest.is_empty() {
            // One pass a frame finds more than a frame can fill.
            let frame = self.frame;
            let all = self.slots.iter().enumerate().filter(|(_, s)| s.seen < frame);
            self.oldest = all.map(|(slot, s)| (s.seen, slot as u32)).collect();
            self.oldest.sort_unstable_by(|a, b| b.cmp(a));
        }
        while let Some((seen, slot)) = self.oldest.pop() {
            // It may have come into sight since.
            if self.slots.get(slot as usize).is_some_and(|s| s.seen == seen) {
                return Some(slot);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: usize = 4096;

    #[test]
    fn the_least_recently_seen_make_room_and_bytes_are_kept_to() {
        let mut cache = Cache::new(100, IMAGE, 3 * IMAGE + 100);
        for image in [7, 8, 9] {
            cache.begin_frame();
            cache.claim(image).unwrap();
        }
        cache.begin_frame();
        let seven = cache.see(7).unwrap();
        cache.begin_frame();
        let ten = cache.claim(10).unwrap();
        assert_eq!(cache.see(8), None, "8 was seen longest ago");
        assert!(cache.see(9).is_some() && cache.see(7) == Some(seven));
        assert_eq!(cache.slots.len(), 3, "three fit the budget");
        assert_ne!(ten, seven);
    }

    #[test]
    fn what_is_on_screen_is_never_taken_away() {
        let mut cache = Cache::new(100, IMAGE, 2 * IMAGE);
        cache.begin_frame();
        let slots: Vec<_> = (0..8).map(|image| cache.claim(image).unwrap()).collect();
        assert_eq!(
            (0..8).filter_map(|image| cache.see(image)).collect::<Vec<_>>(),
            slots,
            "four budgets for one frame"
        );
        assert!(!cache.has_room());
        assert_eq!(cache.claim(8), None);
        cache.begin_frame();
        assert!(cache.has_room());
        cache.see(0);
        let taken = cache.claim(8).unwrap();
        assert_eq!(cache.see(0), Some(slots[0]));
        assert_eq!(taken, slots[1], "equals by their place");
    }

    #[test]
    fn neighbours_are_given_only_where_they_come_next() {
        let mut cache = Cache::new(100, IMAGE, 4 * IMAGE);
        cache.begin_frame();
        let start = cache.claim(0).unwrap();
        assert!(cache.claim_at(1, start + 1) && cache.claim_at(2, start + 2));
        assert!(!cache.claim_at(3, start + 9), "not that slot's turn");
        assert!(!cache.claim_at(1, start + 3), "it has one");
        assert_eq!(cache.claim(4), Some(start + 3));
        cache.begin_frame();
        cache.see(1);
        let again = cache.claim(5).unwrap();
        assert_eq!(again, start);
        assert!(!cache.claim_at(6, start + 1), "it is on screen");
        assert!(cache.see(1).is_some() && cache.see(6).is_none());
    }

    #[test]
    fn a_image_has_one_slot_and_a_slot_one_image() {
        let mut cache = Cache::new(1000, IMAGE, 40 * IMAGE);
        let mut order = 12345u64;
        for _ in 0..300 {
            cache.begin_frame();
            for _ in 0..30 {
                order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let image = (order >> 33) as usize % 1000;
                let slot = cache.claim(image).unwrap();
                assert_eq!(cache.claim(image), Some(slot));
            }
            for (image, slot) in cache.slot_of.iter().enumerate().filter(|(_, s)| **s != NONE) {
                assert_eq!(cache.slots[*slot as usize].image as usize, image);
            }
            assert_eq!(cache.slot_of.iter().filter(|s| **s != NONE).count(), cache.slots.len());
        }
        assert_eq!(cache.slots.len(), 40);
        assert_eq!(cache.claim(1000), None, "no such image");
    }
}
