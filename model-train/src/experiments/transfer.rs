//! Tables 1 and 2: what the bottleneck knows of attributes and landmarks.

use anyhow::Result;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::lab::{Lab, Set};
use super::pictures::curves;
use super::recipe::Recipe;
use super::training::Trained;
use super::{published, tasks};
use crate::data::{Dataset, Labels, POINTS, Sampler};
use crate::network::layers::he_uniform;
use crate::network::parameters::{Precision, Store};
use crate::report::document::{Block, Document, Table};
use crate::training::batches::{append, channels_last_tensor};
use crate::training::optimizer::{Adam, AdamConfig};
use crate::training::schedule::Annealing;

/// The paper's updates of the heads and pictures each.
const UPDATES: u64 = 5000;
const BATCH: usize = 16;
/// Learning rate of the heads.
const RATE: Annealing = Annealing {
    rate: 1e-3,
    power: 1.0,
};
/// Pictures encoded at once.
const ENCODED: usize = 64;

/// Errors on pictures that were not trained on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Errors {
    /// Mean distance of the landmarks in pixels of the crop.
    landmarks: f64,
    /// Attributes told wrong, in percent.
    attributes: f64,
}

/// Runs it.
///
/// # Errors
/// Where data cannot be used or a file cannot be written.
pub fn run(lab: &Lab) -> Result<Document> {
    let train = Labelled::new(lab, lab.train_set(Set::Faces)?)?;
    let test = Labelled::new(lab, lab.evaluation_set(Set::Faces)?)?;
    let recipes: Vec<Recipe> = (tasks::tasks()?.into_iter())
        .map(|task| Recipe::of_task(task, lab.settings.losses))
        .collect();
    let (trained, updates) = lab.train(&recipes)?;
    let random = lab.untrained(&recipes[0]);
    let mut results = Vec::new();
    for network in std::iter::once(&random).chain(&trained) {
        let name = &network.recipe.name;
        println!("transfers {name}");
        let errors = lab.part(&format!("transfer-{name}"), || {
            transfer(lab, network, &train, &test)
        })?;
        let paper = published::TRANSFER.iter().find(|(of, _)| of == name);
        results.push((name.as_str(), errors, paper.map(|(_, errors)| *errors)));
    }
    let blind = lab.part("transfer-blind", || Ok(train.blind(&test)))?;
    let mut document = lab.document(
        "Attributes and landmarks from the bottleneck (Tables 1 and 2)",
        updates,
    );
    document.settings.push((
        "transfer".to_owned(),
        format!(
            "{UPDATES} updates of {BATCH} whole pictures, of the heads, on standardised codes; the \
             encoder stays"
        ),
    ));
    let mut table = Table::new(
        "Landmark error in pixels of the crop, attribute error in percent",
        "pretraining",
        &[
            "landmarks",
            "landmarks, paper",
            "attributes",
            "attributes, paper",
        ],
        3,
    );
    for (name, e, paper) in &results {
        let paper = |n: usize| paper.map(|errors| errors[n]);
        let row = vec![Some(e.landmarks), paper(0), Some(e.attributes), paper(1)];
        table.rows.push(((*name).to_owned(), row));
    }
    let row = vec![Some(blind.landmarks), None, Some(blind.attributes), None];
    table
        .rows
        .push(("the mean face, without looking".to_owned(), row));
    document.blocks.push(Block::Table(table));
    document.blocks.push(Block::Table(others(&results)));
    claim(&mut document, &results);
    document.blocks.push(curves(&trained));
    Ok(document)
}

/// Table 2.
fn others(results: &[(&str, Errors, Option<[f64; 2]>)]) -> Table {
    let mut table = Table::new(
        "Attribute error in percent",
        "method",
        &["here", "paper"],
        2,
    );
    for (name, error) in published::ATTRIBUTES {
        table.rows.push((name.to_owned(), vec![None, Some(error)]));
    }
    if let Some((name, errors, _)) = results.last() {
        let row = vec![Some(errors.attributes), None];
        table.rows.push(((*name).to_owned(), row));
    }
    table
}

fn claim(document: &mut Document, results: &[(&str, Errors, Option<[f64; 2]>)]) {
    let of_rec = results.iter().filter(|(name, ..)| name.starts_with("REC"));
    let worst = of_rec.max_by(|a, b| a.1.landmarks.total_cmp(&b.1.landmarks));
    if let (Some((_, random, _)), Some((name, rec, _))) = (results.first(), worst) {
        document.claim(
            "The landmark error after REC is below that of random weights by at least a third",
            rec.landmarks <= random.landmarks * 2.0 / 3.0,
            format!(
                "{:.3} pixels after {name}, the worst REC, {:.3} with random weights",
                rec.landmarks, random.landmarks
            ),
        );
    }
}

/// Pictures with what the heads are to tell of them: 40 attributes, then x and y of the landmarks.
struct Labelled {
    data: Dataset,
    targets: Tensor,
    attributes: i64,
}

impl Labelled {
    fn new(lab: &Lab, data: Dataset) -> Result<Self> {
        let root = lab.root(Set::Faces)?;
        let (attributes, landmarks) = (Labels::attributes(root)?, Labels::landmarks(root)?);
        let rows = attributes.of(&data)?.into_iter().zip(landmarks.of(&data)?);
        let values: Vec<f32> = rows.flat_map(|(a, l)| [a, l].concat()).collect();
        let targets = Tensor::from_slice(&values).view([data.len() as i64, -1]);
        Ok(Self {
            attributes: targets.size()[1] - 2 * POINTS as i64,
            data,
            targets,
        })
    }

    fn pictures(&self, indices: &[usize]) -> Tensor {
        let size = self.data.size();
        let mut values = Vec::with_capacity(indices.len() * size * size * 3);
        for &i in indices {
            append(&mut values, self.data.picture(i), size, false);
        }
        channels_last_tensor(&values, indices.len(), size)
    }

    /// Errors of the mean of these pictures' targets on `test`.
    fn blind(&self, test: &Self) -> Errors {
        let mean = self.targets.mean_dim([0i64].as_slice(), true, Kind::Float);
        test.errors(&mean.expand_as(&test.targets))
    }

    /// Errors of what is `told` of all pictures, `[N, attributes + 10]`.
    fn errors(&self, told: &Tensor) -> Errors {
        let points = |t: &Tensor| {
            let length = 2 * POINTS as i64;
            t.narrow(1, self.attributes, length)
                .reshape([-1, POINTS as i64, 2])
        };
        let off = (points(told) - points(&self.targets)).square();
        let off = off
            .sum_dim_intlist(2, false, Kind::Float)
            .sqrt()
            .mean(Kind::Double);
        let there = |t: &Tensor| t.narrow(1, 0, self.attributes).ge(0.5);
        let wrong = there(told).not_equal_tensor(&there(&self.targets));
        Errors {
            landmarks: off.double_value(&[]) * self.data.size() as f64,
            attributes: 100.0
                * wrong
                    .to_kind(Kind::Double)
                    .mean(Kind::Double)
                    .double_value(&[]),
        }
    }
}

/// Two fully-connected layers with sigmoid outputs, as one.
struct Heads {
    weight: Tensor,
    bias: Tensor,
}

impl Heads {
    fn new(store: &mut Store, inputs: i64, outputs: i64) -> Self {
        let zeros = Tensor::zeros([outputs], (Kind::Float, Device::Cpu));
        let init = he_uniform(&[outputs, inputs], inputs);
        Self {
            weight: store.f32_parameter("heads.weight".to_owned(), &init),
            bias: store.f32_parameter("heads.bias".to_owned(), &zeros),
        }
    }

    fn forward(&self, codes: &Tensor) -> Tensor {
        codes.linear(&self.weight, Some(&self.bias)).sigmoid()
    }
}

/// Trains heads on the codes of `network` and tests them.
fn transfer(lab: &Lab, network: &Trained, train: &Labelled, test: &Labelled) -> Result<Errors> {
    tch::manual_seed(lab.settings.seed as i64);
    let device = lab.tools.device;
    let targets = train.targets.to_device(device);
    let mut store = Store::new(device, Precision::F32);
    let bottleneck = lab.settings.generator.bottleneck;
    let heads = Heads::new(&mut store, bottleneck, targets.size()[1]);
    let config = AdamConfig {
        beta1: 0.9,
        ..AdamConfig::default()
    };
    let mut adam = Adam::new(&store, config);
    let codes = codes(network, train);
    // So that the rate suits codes of all sizes. Units that are always the same stay at 0.
    let mean = codes.mean_dim([0i64].as_slice(), true, Kind::Float);
    let deviation = codes
        .std_dim([0i64].as_slice(), false, true)
        .clamp_min(1e-6);
    let standardised = |codes: Tensor| (codes - &mean) / &deviation;
    let codes = standardised(codes);
    let mut sampler = Sampler::new(train.data.len(), BATCH, lab.settings.seed);
    let bar = ProgressBar::new(UPDATES);
    for update in 0..UPDATES {
        let indices = sampler.batch(update);
        let numbers: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        let numbers = Tensor::from_slice(&numbers).to_device(device);
        let off =
            heads.forward(&codes.index_select(0, &numbers)) - targets.index_select(0, &numbers);
        // The mean over values, so that the rate does not hang on their number.
        let loss = off.square().mean(Kind::Float);
        let inputs: Vec<&Tensor> = store.parameters.iter().map(|p| &p.working).collect();
        let gradients = Tensor::run_backward(&[&loss], &inputs, false, false);
        adam.step(&store, &gradients, RATE.at(update as f64 / UPDATES as f64));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let told = tch::no_grad(|| heads.forward(&standardised(self::codes(network, test))));
    Ok(test.errors(&told.to_device(Device::Cpu)))
}

/// The codes `[N, bottleneck]` of all `pictures`.
fn codes(network: &Trained, pictures: &Labelled) -> Tensor {
    let indices: Vec<usize> = (0..pictures.data.len()).collect();
    let bar = ProgressBar::new(indices.len() as u64);
    let chunks = indices.chunks(ENCODED).map(|chunk| {
        bar.inc(chunk.len() as u64);
        network.encode(&pictures.pictures(chunk))
    });
    let codes = Tensor::cat(&chunks.collect::<Vec<_>>(), 0);
    bar.finish_and_clear();
    codes
}
