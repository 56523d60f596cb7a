//! An exponential moving average of the generator's weights: adversarial training circles around
//! what it seeks, and the average lies nearer to it than the last weights do.

use crate::network::config::GeneratorConfig;
use crate::network::generator::Generator;
use crate::network::parameters::{Precision, Store};

/// A generator whose weights and running statistics follow another's.
pub struct Average {
    /// The averaged values, f32.
    pub store: Store,
    /// The network over them.
    pub generator: Generator,
    /// Share of the old values an update keeps, in `[0, 1)`.
    decay: f64,
    /// Updates followed so far.
    pub updates: u64,
}

impl Average {
    /// An average that has followed no update yet; its values count for nothing.
    pub fn new(of: &Store, config: &GeneratorConfig, decay: f64) -> Self {
        let mut store = Store::new(of.device, Precision::F32);
        let generator = Generator::new(&mut store, config);
        Self {
            store,
            generator,
            decay,
            updates: 0,
        }
    }

    /// Takes in the values of `store` after an update of it.
    pub fn follow(&mut self, store: &Store) {
        follow(&self.store, store, self.decay, self.updates);
        self.updates += 1;
    }
}

/// Takes the values of `store` after an update of it, which others have `followed` before, into their
/// `average`. The first ones weigh more than `decay`, the share that an update keeps, says,
/// `(1 + n) / (10 + n)` being kept after `n` of them, or the start would linger.
pub fn follow(average: &Store, store: &Store, decay: f64, followed: u64) {
    let n = followed as f64;
    let kept = match followed {
        0 => 0.0,
        _ => decay.min((1.0 + n) / (10.0 + n)),
    };
    tch::no_grad(|| {
        for ((_, average), (_, value)) in average.named().zip(store.named()) {
            let _ = average.detach().lerp_(value, 1.0 - kept);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::Preset;
    use tch::Device;

    #[test]
    fn the_average_follows_weights_and_statistics() {
        tch::manual_seed(1);
        let config = Preset::Tiny.config();
        let mut store = Store::new(Device::Cpu, Precision::F32);
        Generator::new(&mut store, &config);
        let mut average = Average::new(&store, &config, 0.9);
        let fill = |value: f64| {
            tch::no_grad(|| {
                for (_, t) in store.named() {
                    let _ = t.detach().fill_(value);
                }
            });
        };
        let mut expected = 0.0;
        for (n, value) in [1.0, 2.0, -3.0].into_iter().enumerate() {
            fill(value);
            average.follow(&store);
            let kept = [0.0, 2.0 / 11.0, 3.0 / 12.0][n];
            expected = kept * expected + (1.0 - kept) * value;
        }
        for (name, t) in average.store.named() {
            let off = (t - expected).abs().max().double_value(&[]);
            assert!(off < 1e-5, "{name} is off by {off}");
        }
    }
}
