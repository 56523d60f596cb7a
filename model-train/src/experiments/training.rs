//! Training an experiment's networks, each for as many updates as the others.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::context::{ExperimentContext, Length, read, write};
use super::recipe::Recipe;
use crate::evaluation::Model;
use crate::network::config::{DiscriminatorConfig, GeneratorConfig};
use crate::network::generator::Generator;
use crate::network::layers::Pass;
use crate::network::parameters::{Parameter, Precision, Store};
use crate::training::batches::{Batch, BatchConfig, stream};
use crate::training::checkpoint::{self, Checkpoint, Opponent, Subject};
use crate::training::mixture::Mixture;
use crate::training::optimizer::AdamConfig;
use crate::training::options::RunOptions;
use crate::training::pretrained::Pretrained;
use crate::training::run::{Made, Run};
use crate::training::schedule::{Budget, Schedule};
use crate::training::state::Record;
use crate::training::step::{GeneratorTrainee, GeneratorTraining, Rates};

/// The paper's exponent of the annealing is not told; this is a common one.
const SCHEDULE: Schedule = Schedule {
    power: 0.9,
    warm_up: 0,
};
/// Updates that are timed, after as many that are not.
const TIMED: u64 = 3;
/// Time between checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(120);

/// What a network's weights depend on, beside what the name of its folder tells.
#[derive(PartialEq, Serialize, Deserialize)]
struct Conditions {
    data: PathBuf,
    generator: GeneratorConfig,
    batch: usize,
    rates: [f64; 2],
    seed: u64,
}

/// A trained network.
pub struct Trained {
    /// How it was trained.
    pub recipe: Recipe,
    store: Store,
    generator: Generator,
    /// Logged losses: update, completion loss.
    pub curve: Vec<(f64, f64)>,
}

impl Trained {
    /// The network, to use.
    pub fn model(&self) -> Model<'_> {
        Model {
            store: &self.store,
            generator: &self.generator,
        }
    }
}

impl Trained {
    /// The generator's whole output for `batch`, `[N, 3, S, S]` f32, without gradients.
    pub fn generate(&self, batch: &Batch) -> Tensor {
        let masked = &batch.pictures * &batch.masks;
        tch::no_grad(|| self.generator.forward(&masked, &batch.masks, Pass::Use))
    }

    /// The bottleneck's values `[N, bottleneck]` for whole `pictures` `[N, 3, S, S]` f32 in
    /// `[0, 1]`.
    pub fn encode(&self, pictures: &Tensor, pass: Pass) -> Tensor {
        let pictures = pictures.to_device(self.store.device);
        let known = pictures.ones_like();
        self.generator.encode(&pictures, &known, pass)
    }

    /// A copy of all values, by name.
    pub fn values(&self) -> HashMap<String, Tensor> {
        let values = self.store.named();
        values
            .map(|(name, t)| (name.to_owned(), t.detach().copy()))
            .collect()
    }

    /// Takes `values` that [`Self::values`] gave.
    ///
    /// # Errors
    /// Where they are another network's.
    pub fn set(&self, values: &HashMap<String, Tensor>) -> Result<()> {
        let value = |name: &str| values.get(name).map(Tensor::shallow_clone);
        self.store.load(Path::new(&self.recipe.name), value)
    }

    /// What [`Self::encode`] computes with, to train it on: the same tensors.
    pub fn encoder(&self) -> impl Iterator<Item = Parameter> {
        let own = |p: &&Parameter| Generator::ENCODER.iter().any(|of| p.name.starts_with(of));
        (self.store.parameters.iter().filter(own)).map(Parameter::shallow_clone)
    }
}

impl ExperimentContext {
    /// A network of `recipe` with random weights.
    pub fn untrained(&self, recipe: &Recipe) -> Trained {
        tch::manual_seed(self.settings.seed as i64);
        let mut store = Store::new(self.tools.device, Precision::F32);
        let generator = Generator::new(&mut store, &self.sizes(recipe));
        Trained {
            recipe: recipe.clone().named("random"),
            store,
            generator,
            curve: Vec::new(),
        }
    }

    fn sizes(&self, recipe: &Recipe) -> GeneratorConfig {
        GeneratorConfig {
            skips: recipe.skips,
            ..self.settings.generator.clone()
        }
    }

    /// Trains the networks of `recipes`, as far as earlier sessions have not; yields them and the
    /// updates each has had.
    ///
    /// # Errors
    /// Where data cannot be used, a loss is no number, or a file cannot be written.
    pub fn train(&self, recipes: &[Recipe]) -> Result<(Vec<Trained>, u64)> {
        let updates = match self.settings.length {
            Length::Updates(updates) => updates,
            Length::Minutes(minutes) => {
                self.part("updates", || self.affordable(recipes, minutes))?
            }
        };
        let trained = recipes.iter().enumerate().map(|(n, recipe)| {
            println!("network {} of {}: {}", n + 1, recipes.len(), recipe.name);
            self.train_one(recipe, updates)
        });
        Ok((trained.collect::<Result<_>>()?, updates))
    }

    /// Updates that all networks can make in `minutes` together.
    fn affordable(&self, recipes: &[Recipe], minutes: f64) -> Result<u64> {
        println!("measures the updates of {} networks", recipes.len());
        let mut seconds = 0.0;
        for recipe in recipes {
            let objective = recipe.losses.objective(&self.tools)?;
            let (mut training, _) = self.fresh(recipe);
            let data = Arc::new(self.train_set(recipe.set)?);
            let batches = stream(data, self.batches(recipe), 0)?;
            let mut update = || -> Result<()> {
                let batch = batches.recv().context("the batch thread ended")?;
                let losses = training.update(
                    &batch.to_device(self.tools.device),
                    &objective,
                    self.rates(),
                );
                // Reading a value waits for a device that computes behind our back.
                let _ = losses.total.double_value(&[]);
                Ok(())
            };
            (0..TIMED).try_for_each(|_| update())?;
            let started = Instant::now();
            (0..TIMED).try_for_each(|_| update())?;
            seconds += started.elapsed().as_secs_f64() / TIMED as f64;
        }
        Ok(((60.0 * minutes / seconds) as u64).max(1))
    }

    fn train_one(&self, recipe: &Recipe, updates: u64) -> Result<Trained> {
        let folder = self.networks.join(recipe.folder(updates));
        let _alone = self.claim(&folder, recipe)?;
        let path = folder.join("checkpoint.safetensors");
        let (mut training, mut record) = self.fresh(recipe);
        if path.exists() {
            let checkpoint = Checkpoint::open(&path)?;
            checkpoint.restore_all(&path, &mut training)?;
            record.made = checkpoint.record.made;
        }
        let mut made = record.made;
        if made.updates < updates {
            let objective = recipe.losses.objective(&self.tools)?;
            let run = Run {
                out: &folder,
                budget: Budget::Updates(updates),
                schedule: SCHEDULE,
                checkpoint_every: CHECKPOINT_EVERY,
            };
            let data = Arc::new(self.train_set(recipe.set)?);
            let batches = stream(data, self.batches(recipe), made.updates)?;
            let mut trainee = GeneratorTrainee {
                training: &mut training,
                objective: &objective,
                rates: self.rates(),
                adopt: false,
                save: &|training, made| {
                    let record = Record {
                        made,
                        ..record.clone()
                    };
                    checkpoint::save(&path, &record, training)
                },
            };
            run.to_end(&mut trainee, &batches, &mut made)?;
        }
        let (store, generator) = Pretrained::open(&path)?.generator(self.tools.device)?;
        Ok(Trained {
            recipe: recipe.clone(),
            store,
            generator,
            curve: curve(&folder.join("losses.csv"))?,
        })
    }

    /// Makes the network folder of `recipe` this experiment's until the file is dropped; waits
    /// while another experiment trains there.
    ///
    /// # Errors
    /// Where the folder cannot be written, or holds a network of other settings.
    fn claim(&self, folder: &Path, recipe: &Recipe) -> Result<File> {
        let name = folder.display();
        fs::create_dir_all(folder).with_context(|| format!("cannot create the folder '{name}'"))?;
        let lock = File::create(folder.join("lock"))
            .with_context(|| format!("cannot write to the folder '{name}'"))?;
        if lock.try_lock().is_err() {
            println!("waits for the experiment that trains '{name}'");
            lock.lock()
                .with_context(|| format!("cannot lock the folder '{name}'"))?;
        }
        let s = &self.settings;
        let now = Conditions {
            data: self.root(recipe.set)?.to_owned(),
            generator: self.sizes(recipe),
            batch: s.batch,
            rates: [s.rate, s.discriminator_rate],
            seed: s.seed,
        };
        let path = folder.join("conditions.json");
        if path.exists() {
            let earlier: Conditions = read(&path)?;
            ensure!(
                earlier == now,
                "the network in '{name}' was trained under other conditions:\n  {}\nwhere now \
                 are\n  {}\nChoose another --out",
                serde_json::to_string(&earlier)?,
                serde_json::to_string(&now)?
            );
        }
        write(&path, &now)?;
        Ok(lock)
    }

    /// A network of `recipe` that has made no update; the same weights for all that have the same
    /// sizes.
    fn fresh(&self, recipe: &Recipe) -> (GeneratorTraining, Record<Subject>) {
        let s = &self.settings;
        tch::manual_seed(s.seed as i64);
        let sizes = self.sizes(recipe);
        let (device, precision) = (self.tools.device, self.tools.precision);
        let adam = AdamConfig::default();
        let mut training = GeneratorTraining::new(device, precision, &sizes, adam);
        let discriminator = recipe.losses.adversarial.then(|| Opponent {
            config: DiscriminatorConfig {
                coordinates: recipe.losses.coordinates,
                ..DiscriminatorConfig::paper(sizes.width)
            },
            since: 0,
        });
        if let Some(discriminator) = &discriminator {
            training.oppose(&discriminator.config, adam);
        }
        let record = Record {
            subject: Subject {
                generator: sizes,
                discriminator,
                average_since: None,
            },
            made: Made::default(),
            options: RunOptions::default()
                .with("batch", s.batch)
                .with("seed", s.seed)
                .with("tasks", recipe.task),
        };
        (training, record)
    }

    /// What batches a network of `recipe` is trained on.
    pub fn batches(&self, recipe: &Recipe) -> BatchConfig {
        BatchConfig {
            batch: self.settings.batch,
            seed: self.settings.seed,
            mixture: Mixture::of(recipe.task),
            flips: recipe.set != super::Set::Digits,
        }
    }

    fn rates(&self) -> Rates {
        Rates {
            generator: self.settings.rate,
            discriminator: self.settings.discriminator_rate,
        }
    }
}

/// Updates and completion losses in the log at `path`.
fn curve(path: &Path) -> Result<Vec<(f64, f64)>> {
    let read = || -> Result<_> {
        let mut reader = csv::Reader::from_path(path)?;
        let headers = reader.headers()?.clone();
        let column = |name| headers.iter().position(|h| h == name);
        let columns = (column("update"), column("completion"));
        let (Some(update), Some(loss)) = columns else {
            anyhow::bail!("it has no columns 'update' and 'completion'");
        };
        let mut points = Vec::new();
        for row in reader.records() {
            let row = row?;
            points.push((row[update].parse()?, row[loss].parse()?));
        }
        Ok(points)
    };
    read().with_context(|| format!("cannot read '{}'", path.display()))
}
