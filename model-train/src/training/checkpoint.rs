//! A run on disk: weights and running statistics of generator and discriminator, Adam's moments,
//! the average, and how far the run has come.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::state::{self, State, Values, with_moments};
use super::step::Trainee;
use crate::network::config::{DiscriminatorConfig, GeneratorConfig};

/// How far a run has come and what it is of; everything else about batches and the learning rate
/// follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Sizes of the generator.
    pub generator: GeneratorConfig,
    /// Updates made.
    pub updates: u64,
    /// Training time of these updates in seconds.
    pub seconds: f64,
    /// Pictures a batch.
    pub batch: usize,
    /// Seed of weights, order, flips and masks.
    pub seed: u64,
    /// Tasks as on the command line.
    pub tasks: String,
    /// The generator's opponent, if it has one.
    #[serde(default)]
    pub discriminator: Option<DiscriminatorProgress>,
    /// Updates made before the average of the generator's weights began, if one is kept.
    #[serde(default)]
    pub average_since: Option<u64>,
}

/// A run's discriminator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscriminatorProgress {
    /// Sizes and inputs.
    pub config: DiscriminatorConfig,
    /// Updates of the generator made before it came in.
    pub since: u64,
}

/// An opened checkpoint.
pub type Checkpoint = State<Progress>;

/// Writes the state of a run to `path`.
///
/// # Errors
/// Where the file cannot be written; an earlier one at `path` is kept.
pub fn save(path: &Path, progress: &Progress, trainee: &Trainee) -> Result<()> {
    let mut tensors = with_moments(&trainee.store, &trainee.adam);
    if let Some(adversary) = &trainee.adversary {
        tensors.extend(with_moments(&adversary.store, &adversary.adam));
    }
    if let Some(average) = &trainee.average {
        let values = average.store.named();
        tensors.extend(values.map(|(name, t)| (average_name(name), Values::of(t))));
    }
    state::write(path, progress, tensors)
}

impl Checkpoint {
    /// Puts what the checkpoint holds of a run into `trainee`: the generator and its optimiser,
    /// and the discriminator and the average where the run has had them; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn restore(&self, path: &Path, trainee: &mut Trainee) -> Result<()> {
        let Progress { updates, .. } = self.progress;
        self.network(path, &trainee.store, &mut trainee.adam, updates)?;
        if let (Some(adversary), Some(d)) = (&mut trainee.adversary, &self.progress.discriminator) {
            let updates = updates - d.since;
            self.network(path, &adversary.store, &mut adversary.adam, updates)?;
        }
        if let (Some(average), Some(since)) = (&mut trainee.average, self.progress.average_since) {
            (average.store).load(path, |name| self.tensor(&average_name(name)))?;
            average.updates = updates - since;
        }
        Ok(())
    }

    /// The generator's values by name: those of the average where one was kept.
    pub fn generator_tensors(&self) -> HashMap<String, Tensor> {
        let averaged = self.progress.average_since.is_some();
        let prefix = if averaged { AVERAGE } else { "" };
        let of_generator = |(name, t): (&String, &Tensor)| {
            Some((name.strip_prefix(prefix)?.to_owned(), t.shallow_clone()))
        };
        self.tensors.iter().filter_map(of_generator).collect()
    }
}

/// What the names of the average's values begin with.
const AVERAGE: &str = "average.";

fn average_name(name: &str) -> String {
    format!("{AVERAGE}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::Preset;
    use crate::network::parameters::Precision;
    use crate::training::average::Average;
    use crate::training::optimizer::AdamConfig;
    use crate::training::pretrained::Pretrained;
    use tch::Device;

    /// A trainee with everything that can be saved, no value like another's.
    fn trainee(seed: i64, discriminator: &DiscriminatorConfig) -> Trainee {
        tch::manual_seed(seed);
        let sizes = Preset::Tiny.config();
        let adam = AdamConfig::default();
        let mut trainee = Trainee::new(Device::Cpu, Precision::Bf16, &sizes, adam);
        trainee.oppose(discriminator, adam);
        trainee.average = Some(Average::new(&trainee.store, &sizes, 0.9));
        let adversary = trainee.adversary.as_ref().unwrap();
        for adam in [&trainee.adam, &adversary.adam] {
            for (m, v) in &adam.moments {
                let _ = m.shallow_clone().uniform_(-1.0, 1.0);
                let _ = v.shallow_clone().uniform_(0.0, 1.0);
            }
        }
        trainee
    }

    #[test]
    fn all_that_is_saved_is_restored_and_the_average_is_what_is_used() {
        let discriminator = DiscriminatorConfig::paper(Preset::Tiny.config().width);
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("checkpoint");
        let progress = Progress {
            generator: Preset::Tiny.config(),
            updates: 9,
            seconds: 1.0,
            batch: 4,
            seed: 1,
            tasks: "eyes".to_owned(),
            discriminator: Some(DiscriminatorProgress {
                config: discriminator.clone(),
                since: 2,
            }),
            average_since: Some(5),
        };
        let saved = trainee(1, &discriminator);
        save(&path, &progress, &saved).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        assert_eq!(checkpoint.progress, progress);
        let mut restored = trainee(2, &discriminator);
        checkpoint.restore(&path, &mut restored).unwrap();
        let copy = folder.path().join("copy");
        save(&copy, &progress, &restored).unwrap();
        let tensors = |path| Checkpoint::open(path).unwrap().tensors;
        let (first, second) = (tensors(&path), tensors(&copy));
        assert_eq!(first.len(), second.len());
        assert!(first.iter().all(|(name, t)| second[name] == *t));
        assert_eq!(restored.adam.updates, 9);
        assert_eq!(restored.adversary.unwrap().adam.updates, 7);
        assert_eq!(restored.average.unwrap().updates, 4);
        let (used, _) = Pretrained::open(&path)
            .unwrap()
            .generator(Device::Cpu)
            .unwrap();
        let average = saved.average.unwrap();
        for ((name, used), (_, expected)) in used.named().zip(average.store.named()) {
            assert!(used == expected, "{name}");
        }
    }

    #[test]
    fn checkpoints_from_before_the_discriminator_are_read() {
        let old = r#"{"generator":{"size":32,"width":8,"bottleneck":64,"mask_input":true,
            "mirror_input":false},"updates":3,"seconds":1.5,"batch":4,"seed":1,"tasks":"eyes=1"}"#;
        let progress: Progress = serde_json::from_str(old).unwrap();
        assert!(progress.discriminator.is_none() && progress.average_since.is_none());
    }
}
