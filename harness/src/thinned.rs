//! A record of something that may happen any number of times, in bounded memory: evenly thinned out. The main type is
//! [`Thinned`].

/// How many entries are kept at most.
pub const ENTRIES_MAX: usize = 128;

/// The first entry, then every second, every fourth and so on: as many as fit, evenly spread over all of them.
#[derive(Debug, Clone)]
pub struct Thinned<T> {
    kept: Vec<T>,
    /// One in so many is kept.
    stride: u64,
    seen: u64,
}

impl<T> Default for Thinned<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), stride: 1, seen: 0 }
    }
}

impl<T: Clone> Thinned<T> {
    /// Records an entry.
    pub fn push(&mut self, entry: T) {
        if self.seen.is_multiple_of(self.stride) {
            if self.kept.len() == ENTRIES_MAX {
                let mut number = 0;
                self.kept.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.stride *= 2;
            }
            if self.seen.is_multiple_of(self.stride) {
                self.kept.push(entry);
            }
        }
        self.seen += 1;
    }

    /// Returns what was kept, in order.
    pub fn kept(&self) -> &[T] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_entries_are_kept_as_they_are() {
        let mut thinned = Thinned::default();
        (0..ENTRIES_MAX).for_each(|number| thinned.push(number));
        assert!(thinned.kept().iter().copied().eq(0..ENTRIES_MAX));
    }

    #[test]
    fn many_are_thinned_out_evenly_and_bounded() {
        let mut thinned = Thinned::default();
        (0..10_000_usize).for_each(|number| thinned.push(number));
        let kept = thinned.kept();
        assert!(kept.len() <= ENTRIES_MAX && kept.len() >= ENTRIES_MAX / 2, "{}", kept.len());
        let step = kept[1] - kept[0];
        assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == step));
        assert!(kept.last().is_some_and(|last| 10_000 - last <= step));
    }
}
