//! The slots of the atlas, with least-recently-used eviction.

/// Marks an image without a slot.
const NONE: u32 = u32::MAX;

/// Factor by which the images of a single frame may exceed the budget.
const MAX_OVERCOMMIT: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Slot {
    image: u32,
    /// The frame in which it was last visible.
    last_used: u64,
}

/// The slots of an atlas, all of the same size.
#[derive(Debug)]
pub struct Cache {
    /// The slot of every image of the dataset.
    slot_of: Vec<u32>,
    slots: Vec<Slot>,
    /// Candidates for eviction with the frame of their last use, the least recently used at the end.
    eviction_queue: Vec<(u64, u32)>,
    capacity: usize,
    frame: u64,
}

impl Cache {
    /// A cache for `images` images of `bytes` each within a budget of `budget` bytes. It exceeds the budget, up to four
    /// times, only where more images are visible at once.
    pub fn new(images: usize, bytes: usize, budget: usize) -> Self {
        let capacity = (budget / bytes.max(1)).max(1);
        Self { slot_of: vec![NONE; images], slots: Vec::new(), eviction_queue: Vec::new(), capacity, frame: 1 }
    }

    /// The number of images within the budget.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Begins a frame. Images not used from here on can be evicted.
    pub fn begin_frame(&mut self) {
        self.frame += 1;
        self.eviction_queue.clear();
    }

    /// The slot of a visible image, which counts as used in this frame; none where it has none.
    pub fn touch(&mut self, image: usize) -> Option<u32> {
        let slot = self.slot_of.get(image).copied().filter(|s| *s != NONE)?;
        self.slots.get_mut(slot as usize)?.last_used = self.frame;
        Some(slot)
    }

    /// Whether an image has a slot. Does not count as use.
    pub fn contains(&self, image: usize) -> bool {
        self.slot_of.get(image).is_some_and(|s| *s != NONE)
    }

    /// Assigns a slot to an image, evicting the slot's earlier image. None where all cached images are visible and the limit
    /// is reached, or where the image does not exist.
    pub fn allocate(&mut self, image: usize) -> Option<u32> {
        if let Some(slot) = self.touch(image) {
            return Some(slot);
        }
        let number = u32::try_from(image).ok().filter(|_| image < self.slot_of.len())?;
        let slot = self.next_slot()?;
        self.assign(slot, number);
        Some(slot)
    }

    /// Assigns this slot to an image, where the image has none and the slot is the next one to be assigned.
    pub fn allocate_at(&mut self, image: usize, slot: u32) -> bool {
        let Some(number) = u32::try_from(image).ok().filter(|_| image < self.slot_of.len()) else { return false };
        if self.contains(image) {
            return false;
        }
        let Some(next) = self.next_slot() else { return false };
        if next == slot {
            self.assign(slot, number);
        } else {
            self.put_back(next);
        }
        next == slot
    }

    /// The slot to assign next: a new one within the budget, else the least recently used one, else a new one within the limit.
    fn next_slot(&mut self) -> Option<u32> {
        let count = self.slots.len();
        let new_slot = u32::try_from(count).ok();
        if count < self.capacity {
            return new_slot;
        }
        self.least_recently_used().or_else(|| new_slot.filter(|_| count < self.capacity * MAX_OVERCOMMIT))
    }

    fn assign(&mut self, slot: u32, image: u32) {
        let assigned = Slot { image, last_used: self.frame };
        match self.slots.get_mut(slot as usize) {
            Some(old) => {
                let evicted = std::mem::replace(old, assigned).image;
                if let Some(entry) = self.slot_of.get_mut(evicted as usize) {
                    *entry = NONE;
                }
            }
            None => self.slots.push(assigned),
        }
        let entry = self.slot_of.get_mut(image as usize);
        debug_assert!(entry.is_some(), "image {image} does not exist");
        if let Some(entry) = entry {
            *entry = slot;
        }
    }

    /// Whether `allocate` would assign a slot.
    pub fn can_allocate(&mut self) -> bool {
        let next = self.next_slot();
        if let Some(slot) = next {
            self.put_back(slot);
        }
        next.is_some()
    }

    /// Puts a slot back that was not assigned after all.
    fn put_back(&mut self, slot: u32) {
        if let Some(last_used) = self.slots.get(slot as usize).map(|s| s.last_used) {
            self.eviction_queue.push((last_used, slot));
        }
    }

    /// The least recently used slot that was not used in this frame.
    fn least_recently_used(&mut self) -> Option<u32> {
        if self.eviction_queue.is_empty() {
            // One pass per frame finds more than a frame can fill.
            let frame = self.frame;
            let all = self.slots.iter().enumerate().filter(|(_, s)| s.last_used < frame);
            self.eviction_queue = all.map(|(slot, s)| (s.last_used, slot as u32)).collect();
            self.eviction_queue.sort_unstable_by(|a, b| b.cmp(a));
        }
        while let Some((last_used, slot)) = self.eviction_queue.pop() {
            // It may have been used since it was queued.
            if self.slots.get(slot as usize).is_some_and(|s| s.last_used == last_used) {
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
    fn the_least_recently_used_image_is_evicted_within_the_budget() {
        let mut cache = Cache::new(100, IMAGE, 3 * IMAGE + 100);
        for image in [7, 8, 9] {
            cache.begin_frame();
            cache.allocate(image).unwrap();
        }
        cache.begin_frame();
        let seven = cache.touch(7).unwrap();
        cache.begin_frame();
        let ten = cache.allocate(10).unwrap();
        assert_eq!(cache.touch(8), None, "8 is the least recently used");
        assert!(cache.touch(9).is_some() && cache.touch(7) == Some(seven));
        assert_eq!(cache.slots.len(), 3, "three fit the budget");
        assert_ne!(ten, seven);
    }

    #[test]
    fn visible_images_are_never_evicted() {
        let mut cache = Cache::new(100, IMAGE, 2 * IMAGE);
        cache.begin_frame();
        let slots: Vec<_> = (0..8).map(|image| cache.allocate(image).unwrap()).collect();
        assert_eq!(
            (0..8).filter_map(|image| cache.touch(image)).collect::<Vec<_>>(),
            slots,
            "four budgets for one frame"
        );
        assert!(!cache.can_allocate());
        assert_eq!(cache.allocate(8), None);
        cache.begin_frame();
        assert!(cache.can_allocate());
        cache.touch(0);
        let taken = cache.allocate(8).unwrap();
        assert_eq!(cache.touch(0), Some(slots[0]));
        assert_eq!(taken, slots[1], "the lower slot among equally old ones");
    }

    #[test]
    fn allocate_at_assigns_only_the_next_slot() {
        let mut cache = Cache::new(100, IMAGE, 4 * IMAGE);
        cache.begin_frame();
        let start = cache.allocate(0).unwrap();
        assert!(cache.allocate_at(1, start + 1) && cache.allocate_at(2, start + 2));
        assert!(!cache.allocate_at(3, start + 9), "not the next slot");
        assert!(!cache.allocate_at(1, start + 3), "it has a slot");
        assert_eq!(cache.allocate(4), Some(start + 3));
        cache.begin_frame();
        cache.touch(1);
        let again = cache.allocate(5).unwrap();
        assert_eq!(again, start);
        assert!(!cache.allocate_at(6, start + 1), "it is visible");
        assert!(cache.touch(1).is_some() && cache.touch(6).is_none());
    }

    #[test]
    fn images_and_slots_correspond_one_to_one() {
        let mut cache = Cache::new(1000, IMAGE, 40 * IMAGE);
        let mut order = 12345u64;
        for _ in 0..300 {
            cache.begin_frame();
            for _ in 0..30 {
                order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let image = (order >> 33) as usize % 1000;
                let slot = cache.allocate(image).unwrap();
                assert_eq!(cache.allocate(image), Some(slot));
            }
            for (image, slot) in cache.slot_of.iter().enumerate().filter(|(_, s)| **s != NONE) {
                assert_eq!(cache.slots[*slot as usize].image as usize, image);
            }
            assert_eq!(cache.slot_of.iter().filter(|s| **s != NONE).count(), cache.slots.len());
        }
        assert_eq!(cache.slots.len(), 40);
        assert_eq!(cache.allocate(1000), None, "no such image");
    }
}
