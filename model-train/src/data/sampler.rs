//! The order in which training sees the pictures.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

/// Batches of picture indices: every epoch is a shuffle of all pictures, and each batch depends
/// on nothing but `(len, batch, seed)` and the number of the update, so a resumed run goes on
/// as if it had never stopped. A batch may straddle two epochs.
#[derive(Clone, Debug)]
pub struct Sampler {
    len: usize,
    batch: usize,
    seed: u64,
    shuffled: Option<(u64, Vec<usize>)>,
}

impl Sampler {
    /// A sampler of `batch` out of `len` pictures an update.
    ///
    /// # Panics
    /// If `len` or `batch` is 0.
    pub fn new(len: usize, batch: usize, seed: u64) -> Self {
        assert!(len > 0 && batch > 0, "a batch holds at least one picture");
        Self {
            len,
            batch,
            seed,
            shuffled: None,
        }
    }

    /// The indices of update `update` (the first is 0), each below `len`.
    pub fn batch(&mut self, update: u64) -> Vec<usize> {
        let first = update * self.batch as u64;
        (first..first + self.batch as u64)
            .map(|place| self.at(place))
            .collect()
    }

    /// The epoch in which update `update` begins (the first is 0).
    pub fn epoch(&self, update: u64) -> u64 {
        update * self.batch as u64 / self.len as u64
    }

    fn at(&mut self, place: u64) -> usize {
        let (epoch, within) = (place / self.len as u64, place % self.len as u64);
        let order = match self.shuffled.take() {
            Some((of, order)) if of == epoch => order,
            _ => permutation(self.len, self.seed, epoch),
        };
        let index = order[within as usize];
        self.shuffled = Some((epoch, order));
        index
    }
}

fn permutation(len: usize, seed: u64, epoch: u64) -> Vec<usize> {
    // The epoch picks one output of a generator of seeds, so neighbouring seeds and epochs do
    // not give related shuffles.
    let mut seeds = Pcg64::seed_from_u64(seed);
    seeds.advance(epoch.into());
    let mut rng = Pcg64::seed_from_u64(seeds.next_u64());
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut rng);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_is_a_shuffle_of_all_pictures() {
        let mut sampler = Sampler::new(50, 7, 3);
        let seen: Vec<usize> = (0..50).flat_map(|u| sampler.batch(u)).collect();
        let epochs: Vec<&[usize]> = seen.chunks(50).collect();
        for epoch in &epochs {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..50).collect::<Vec<_>>());
        }
        assert_ne!(epochs[0], epochs[1]);
    }

    #[test]
    fn a_batch_depends_on_the_update_alone() {
        let mut straight = Sampler::new(50, 7, 3);
        let batches: Vec<_> = (0..40).map(|u| straight.batch(u)).collect();
        for update in [39, 0, 7, 8, 21] {
            let mut resumed = Sampler::new(50, 7, 3);
            assert_eq!(resumed.batch(update), batches[update as usize]);
            assert_eq!(straight.batch(update), batches[update as usize]);
        }
    }

    #[test]
    fn seeds_give_different_orders() {
        assert_ne!(
            Sampler::new(50, 50, 1).batch(0),
            Sampler::new(50, 50, 2).batch(0)
        );
    }

    #[test]
    fn a_batch_may_be_larger_than_the_data() {
        let batch = Sampler::new(3, 8, 1).batch(1);
        assert_eq!(batch.len(), 8);
        assert!(batch.iter().all(|&i| i < 3));
    }

    #[test]
    fn epochs_are_counted_by_the_first_picture() {
        let sampler = Sampler::new(50, 7, 3);
        assert_eq!((0..9).map(|u| sampler.epoch(u)).max(), Some(1));
        assert_eq!(sampler.epoch(7), 0);
        assert_eq!(sampler.epoch(8), 1);
    }
}
