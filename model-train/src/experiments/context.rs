//! Where an experiment is done: its data and tools, and a folder that keeps each part's result, so
//! that one that was interrupted goes on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tch::Device;

use super::recipe::LossChoice;
use crate::data::{CropRule, Dataset, DatasetOptions, Layout, Split};
use crate::files::write_aside;
use crate::network::config::GeneratorConfig;
use crate::network::parameters::Precision;
use crate::network::perceptual::Face;
use crate::report::document::{Document, Picture};
use crate::report::html;

/// Name of a report, without its ending.
pub const REPORT: &str = "report";

/// A data set of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// CelebA.
    Faces,
    /// Oxford-102.
    Flowers,
    /// MNIST.
    Digits,
}

impl Set {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Faces => "CelebA",
            Self::Flowers => "Oxford-102",
            Self::Digits => "MNIST",
        }
    }
}

/// How long an experiment trains its networks, each for as many updates as the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Length {
    /// All of them together, as far as a short measurement tells.
    Minutes(f64),
    /// Each.
    Updates(u64),
}

/// What the results depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Where the data sets are.
    pub data: BTreeMap<Set, PathBuf>,
    /// Length of the trainings.
    pub length: Length,
    /// Sizes of the generators.
    pub generator: GeneratorConfig,
    /// Losses where the experiment does not compare them.
    pub losses: LossChoice,
    /// Pictures a batch.
    pub batch: usize,
    /// Learning rate of the generators at the start.
    pub rate: f64,
    /// Learning rate of the discriminators at the start.
    pub discriminator_rate: f64,
    /// Pictures evaluated.
    pub count: usize,
    /// Updates of the longest transfer.
    #[serde(default = "published_transfer_updates")]
    pub transfer_updates: u64,
    /// Seed of weights, order, flips and masks.
    pub seed: u64,
}

/// The paper's updates of a transfer.
pub const TRANSFER_UPDATES: u64 = 5000;

/// Of settings that were written before there was a choice.
fn published_transfer_updates() -> u64 {
    TRANSFER_UPDATES
}

/// What an experiment may need beside data.
pub struct Tools {
    /// Where to compute.
    pub device: Device,
    /// Arithmetic of training.
    pub precision: Precision,
    /// Network of the perceptual loss.
    pub perceptual: Option<PathBuf>,
    /// Network of the inception score.
    pub face: Option<Face>,
    /// A Python with OpenCV.
    pub opencv: Option<PathBuf>,
    /// Folder of the picture cache.
    pub cache: Option<PathBuf>,
}

/// An experiment's data, tools and folder.
pub struct ExperimentContext {
    /// What the results depend on.
    pub settings: Settings,
    /// Tools.
    pub tools: Tools,
    /// Name of the experiment.
    pub name: &'static str,
    /// Folder of the experiment.
    pub folder: PathBuf,
    /// Folder of the trained networks, which experiments of the same settings share.
    pub networks: PathBuf,
}

impl ExperimentContext {
    /// That of the experiment `name` in a sub-folder of `out`, which is made where it is not
    /// there.
    ///
    /// # Errors
    /// Where the folder cannot be written; where results are there already, unless to `resume`
    /// with the settings they were made with.
    pub fn open(
        name: &'static str,
        out: &Path,
        settings: Settings,
        tools: Tools,
        resume: bool,
    ) -> Result<Self> {
        let folder = out.join(name);
        let path = folder.join("settings.json");
        if path.exists() {
            ensure!(
                resume,
                "'{}' is there already: go on with --resume, or choose another --out",
                folder.display()
            );
            let earlier: Settings = read(&path)?;
            ensure!(
                earlier == settings,
                "the results in '{}' were begun with other settings:\n  {}\nwhere now are\n  {}\n\
                 Resume with those, or choose another --out",
                folder.display(),
                serde_json::to_string(&earlier)?,
                serde_json::to_string(&settings)?
            );
        }
        fs::create_dir_all(folder.join("parts"))
            .with_context(|| format!("cannot create the folder '{}'", folder.display()))?;
        write(&path, &settings)?;
        Ok(Self {
            settings,
            tools,
            name,
            folder,
            networks: out.join("networks"),
        })
    }

    /// What `work` yields, or has yielded in an earlier session; `key` is its file's name.
    ///
    /// # Errors
    /// What `work` yields, and where the result cannot be kept or read.
    pub fn part<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let path = self.folder.join("parts").join(format!("{key}.json"));
        if path.exists() {
            return read(&path);
        }
        let result = work()?;
        write(&path, &result)?;
        Ok(result)
    }

    /// The pictures of `set` to train on.
    ///
    /// # Errors
    /// Where the data set was not given or cannot be used.
    pub fn train_set(&self, set: Set) -> Result<Dataset> {
        self.open_split(set, Split::Train)
    }

    /// The pictures of `set` to evaluate on, those the paper takes where they are there.
    ///
    /// # Errors
    /// Where the data set was not given or cannot be used.
    pub fn evaluation_set(&self, set: Set) -> Result<Dataset> {
        self.open_split(set, Layout::of(self.root(set)?)?.evaluated())
    }

    /// Folder of `set`.
    ///
    /// # Errors
    /// Where it was not given.
    pub fn root(&self, set: Set) -> Result<&Path> {
        match self.settings.data.get(&set) {
            Some(root) => Ok(root),
            None => bail!("{} was not given", set.name()),
        }
    }

    fn open_split(&self, set: Set, split: Split) -> Result<Dataset> {
        Ok(Dataset::open(&DatasetOptions {
            root: self.root(set)?.to_owned(),
            split,
            size: self.settings.generator.size as usize,
            crop: CropRule::CelebA,
            cache: self.tools.cache.clone(),
        })?)
    }

    /// An empty document of this experiment with its settings.
    pub fn document(&self, title: &str, updates: u64) -> Document {
        let s = &self.settings;
        let g = &s.generator;
        let data: Vec<&str> = s.data.keys().map(|set| set.name()).collect();
        let row = |name: &str, value: String| (name.to_owned(), value);
        Document {
            name: self.name.to_owned(),
            title: title.to_owned(),
            settings: vec![
                row("data", data.join(", ")),
                row(
                    "generators",
                    format!(
                        "{0}x{0} pictures, width {1}, bottleneck {2}, without the mask as input",
                        g.size, g.width, g.bottleneck
                    ),
                ),
                row(
                    "training",
                    format!(
                        "{updates} updates of {} pictures each, Adam at {} (discriminator {}), \
                         annealed",
                        s.batch, s.rate, s.discriminator_rate
                    ),
                ),
                row("losses", s.losses.to_string()),
                row("evaluated pictures", s.count.to_string()),
            ],
            blocks: Vec::new(),
        }
    }

    /// Path and reference of the picture `name` beside the report.
    pub fn picture(&self, name: &str, caption: &str) -> (PathBuf, Picture) {
        let file = format!("{name}.png");
        (
            self.folder.join(&file),
            Picture {
                caption: caption.to_owned(),
                file,
            },
        )
    }

    /// Writes `document` as JSON and HTML.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn publish(&self, document: &Document) -> Result<()> {
        write(&self.folder.join(format!("{REPORT}.json")), document)?;
        let page = html::page(document, &self.folder)?;
        let path = self.folder.join(format!("{REPORT}.html"));
        write_aside(&path, |aside| fs::write(aside, page))
            .with_context(|| format!("cannot write '{}'", path.display()))?;
        println!("{}", path.display());
        Ok(())
    }
}

/// What the JSON file at `path` holds.
///
/// # Errors
/// Where it cannot be read or is something else.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let read = || -> Result<T> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    read().with_context(|| format!("cannot read '{}'", path.display()))
}

/// Keeps `value` as the JSON file at `path`, the whole of it or nothing.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    write_aside(path, |aside| fs::write(aside, text))
        .with_context(|| format!("cannot write '{}'", path.display()))
}
