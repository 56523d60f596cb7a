//! A run on disk: weights and running statistics of generator and discriminator, Adam's moments,
//! the average, and how far the run has come.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::state::{self, Record, State, Values, with_moments};
use super::step::GeneratorTraining;
use crate::network::config::{DiscriminatorConfig, GeneratorConfig};

/// What a run is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Sizes of the generator.
    pub generator: GeneratorConfig,
    /// The generator's opponent, if it has one.
    #[serde(default)]
    pub discriminator: Option<Opponent>,
    /// Updates made before the average of the generator's weights began, if one is kept.
    #[serde(default)]
    pub average_since: Option<u64>,
}

/// A run's discriminator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opponent {
    /// Sizes and inputs.
    pub config: DiscriminatorConfig,
    /// Updates of the generator made before it came in.
    pub since: u64,
}

/// An opened checkpoint.
pub type Checkpoint = State<Subject>;

/// Writes the state of a run to `path`.
///
/// # Errors
/// Where the file cannot be written; an earlier one at `path` is kept.
pub fn save(path: &Path, record: &Record<Subject>, training: &GeneratorTraining) -> Result<()> {
    let mut tensors = with_moments(&training.generator);
    if let Some(adversary) = &training.adversary {
        tensors.extend(with_moments(adversary));
    }
    if let Some(average) = &training.average {
        let values = average.store.named();
        tensors.extend(values.map(|(name, t)| (average_name(name), Values::of(t))));
    }
    state::write(path, record, tensors)
}

impl Checkpoint {
    /// Puts what the checkpoint holds of a run into `training`: the generator and its optimiser,
    /// and the discriminator and the average where the run has had them; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn restore_all(&self, path: &Path, training: &mut GeneratorTraining) -> Result<()> {
        let (updates, subject) = (self.record.made.updates, &self.record.subject);
        self.restore(path, &mut training.generator, updates)?;
        if let (Some(adversary), Some(d)) = (&mut training.adversary, &subject.discriminator) {
            self.restore(path, adversary, updates - d.since)?;
        }
        if let (Some(average), Some(since)) = (&mut training.average, subject.average_since) {
            (average.store).load(path, |name| self.tensor(&average_name(name)))?;
            average.updates = updates - since;
        }
        Ok(())
    }

    /// The generator's values by name: those of the average where one was kept.
    pub fn generator_tensors(&self) -> HashMap<String, Tensor> {
        let averaged = self.record.subject.average_since.is_some();
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
    use crate::training::options::RunOptions;
    use crate::training::pretrained::Pretrained;
    use crate::training::run::Made;
    use tch::Device;

    /// One with everything that can be saved, no value like another's.
    fn training(seed: i64, discriminator: &DiscriminatorConfig) -> GeneratorTraining {
        tch::manual_seed(seed);
        let sizes = Preset::Tiny.config();
        let adam = AdamConfig::default();
        let mut training = GeneratorTraining::new(Device::Cpu, Precision::Bf16, &sizes, adam);
        training.oppose(discriminator, adam);
        let average = Average::new(&training.generator.store, &sizes, 0.9);
        training.average = Some(average);
        let adversary = training.adversary.as_ref().unwrap();
        for adam in [&training.generator.adam, &adversary.adam] {
            for (m, v) in &adam.moments {
                let _ = m.shallow_clone().uniform_(-1.0, 1.0);
                let _ = v.shallow_clone().uniform_(0.0, 1.0);
            }
        }
        training
    }

    #[test]
    fn all_that_is_saved_is_restored_and_the_average_is_what_is_used() {
        let discriminator = DiscriminatorConfig::paper(Preset::Tiny.config().width);
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("checkpoint");
        let record = Record {
            subject: Subject {
                generator: Preset::Tiny.config(),
                discriminator: Some(Opponent {
                    config: discriminator.clone(),
                    since: 2,
                }),
                average_since: Some(5),
            },
            made: Made {
                updates: 9,
                seconds: 1.0,
            },
            options: RunOptions::default().with("batch", 4).with("tasks", "eyes"),
        };
        let saved = training(1, &discriminator);
        save(&path, &record, &saved).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        assert_eq!(checkpoint.record, record);
        let mut restored = training(2, &discriminator);
        checkpoint.restore_all(&path, &mut restored).unwrap();
        let copy = folder.path().join("copy");
        save(&copy, &record, &restored).unwrap();
        let tensors = |path| Checkpoint::open(path).unwrap().tensors;
        let (first, second) = (tensors(&path), tensors(&copy));
        assert_eq!(first.len(), second.len());
        assert!(first.iter().all(|(name, t)| second[name] == *t));
        assert_eq!(restored.generator.adam.updates, 9);
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
        let record: Record<Subject> = Record::parse(old).unwrap();
        let subject = &record.subject;
        assert!(subject.discriminator.is_none() && subject.average_since.is_none());
        assert_eq!((record.made.updates, record.made.seconds), (3, 1.5));
        let told = ["batch", "seed", "tasks", "rate"].map(|option| record.options.get(option));
        assert_eq!(told, [Some("4"), Some("1"), Some("eyes=1"), None]);
    }
}
