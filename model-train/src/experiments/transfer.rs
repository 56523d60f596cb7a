//! Tables 1 and 2: what the bottleneck knows of attributes and landmarks.

use std::fmt;

use anyhow::Result;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::context::{ExperimentContext, Set, TRANSFER_UPDATES};
use super::pictures::curves;
use super::recipe::Recipe;
use super::training::Trained;
use super::{published, tasks};
use crate::data::{Dataset, Labels, POINTS, Sampler};
use crate::network::layers::{Pass, he_uniform};
use crate::network::parameters::{Precision, Store};
use crate::report::document::{Block, Document, Table};
use crate::tensors::{append_picture, from_pixels};
use crate::training::learner::Learner;
use crate::training::optimizer::AdamConfig;
use crate::training::schedule::Schedule;

/// Pictures an update, as in the paper.
const BATCH: usize = 16;
/// Learning rate at the start.
const RATE: f64 = 1e-3;
const SCHEDULE: Schedule = Schedule {
    power: 1.0,
    warm_up: 0,
};
/// Pictures encoded at once.
const ENCODED: usize = 64;

/// In how many ways each network is trained.
const TRAININGS: usize = 5;

/// What is trained, and for how many updates.
#[derive(Clone, Copy)]
enum Training {
    /// The heads alone, which tells what the codes hold.
    Heads(u64),
    /// Heads and encoder, which tells what pretraining is worth.
    Whole(u64),
}

impl Training {
    /// `longest` updates, the paper's [`TRANSFER_UPDATES`], and fewer: beside its pretraining of 300,000 they are
    /// few, beside one that two cores can make they are many.
    fn all(longest: u64) -> [Self; TRAININGS] {
        let part = |of: u64| Self::Whole((longest / of).max(1));
        [Self::Heads(longest), part(50), part(15), part(5), part(1)]
    }

    fn updates(self) -> u64 {
        match self {
            Self::Heads(updates) | Self::Whole(updates) => updates,
        }
    }
}

impl fmt::Display for Training {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Heads(updates) => write!(f, "heads alone, {updates}"),
            Self::Whole(updates) => write!(f, "{updates}"),
        }
    }
}

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
pub fn run(context: &ExperimentContext) -> Result<Document> {
    let train = Labelled::new(context, context.train_set(Set::Faces)?)?;
    let test = Labelled::new(context, context.evaluation_set(Set::Faces)?)?;
    let recipes: Vec<Recipe> = (tasks::tasks()?.into_iter())
        .map(|task| Recipe::of_task(task, context.settings.losses))
        .collect();
    let (trained, updates) = context.train(&recipes)?;
    let random = context.untrained(&recipes[0]);
    let mut results = Vec::new();
    for network in std::iter::once(&random).chain(&trained) {
        let name = &network.recipe.name;
        println!("transfers {name}");
        let errors = context.part(&format!("transfer-{name}"), || {
            transfer(context, network, &train, &test)
        })?;
        let paper = published::TRANSFER.iter().find(|(of, _)| of == name);
        results.push(Row {
            name,
            errors,
            paper: paper.map(|(_, errors)| *errors),
        });
    }
    let blind = context.part("transfer-blind", || Ok(train.blind(&test)))?;
    let mut document = context.document(
        "Attributes and landmarks from the bottleneck (Tables 1 and 2)",
        updates,
    );
    document.settings.push((
        "transfer".to_owned(),
        format!(
            "updates of {BATCH} whole pictures, Adam at {}, annealed: of heads alone on \
             standardised codes, and of heads and encoder together",
            RATE
        ),
    ));
    let trainings = Training::all(context.settings.transfer_updates);
    type Value = fn(&Errors) -> f64;
    let values: [(&str, Value); 2] = [
        ("Landmark error in pixels of the crop", |e| e.landmarks),
        ("Attribute error in percent", |e| e.attributes),
    ];
    let paper = format!("paper, {TRANSFER_UPDATES}");
    let here = trainings.iter().map(Training::to_string);
    let columns: Vec<String> = here.chain([paper]).collect();
    for (n, (caption, value)) in values.into_iter().enumerate() {
        let mut table = Table::new(
            &format!("{caption}, by the updates of heads and encoder"),
            "pretraining",
            &columns,
            3,
        );
        for row in &results {
            let here = row.errors.iter().map(|errors| Some(value(errors)));
            let paper = row.paper.map(|errors| errors[n]);
            let values = here.chain([paper]).collect();
            table.rows.push((row.name.to_owned(), values));
        }
        let mut values = vec![None; columns.len()];
        values[0] = Some(value(&blind));
        (table.rows).push(("the mean face, without looking".to_owned(), values));
        document.blocks.push(Block::Table(table));
    }
    document.blocks.push(Block::Table(others(&results)));
    claim(&mut document, trainings, &results);
    document.blocks.push(curves(&trained));
    Ok(document)
}

/// What was found of a pretraining.
struct Row<'a> {
    name: &'a str,
    /// After each of [`Training::all`].
    errors: [Errors; TRAININGS],
    /// The paper's errors.
    paper: Option<[f64; 2]>,
}

/// Table 2.
fn others(results: &[Row]) -> Table {
    let mut table = Table::new(
        "Attribute error in percent",
        "method",
        &["here", "paper"],
        2,
    );
    for (name, error) in published::ATTRIBUTES {
        table.rows.push((name.to_owned(), vec![None, Some(error)]));
    }
    if let Some(Row { name, errors, .. }) = results.last() {
        let longest = errors[TRAININGS - 1];
        let row = vec![Some(longest.attributes), None];
        table.rows.push(((*name).to_owned(), row));
    }
    table
}

fn claim(document: &mut Document, trainings: [Training; TRAININGS], results: &[Row]) {
    let of_rec = || results.iter().filter(|row| row.name.starts_with("REC"));
    let (Some(random), Some(_)) = (results.first(), of_rec().next()) else {
        return;
    };
    let mut holds = Vec::new();
    let mut evidence = Vec::new();
    for (n, training) in trainings.into_iter().enumerate() {
        let Training::Whole(updates) = training else {
            continue;
        };
        let worst = of_rec().map(|row| row.errors[n].landmarks);
        let (worst, random) = (worst.fold(0.0, f64::max), random.errors[n].landmarks);
        holds.push(worst <= random * 2.0 / 3.0);
        evidence.push(format!(
            "{worst:.3} after the worst REC and {random:.3} with random weights by {updates} updates"
        ));
    }
    document.claim(
        "Where few updates follow the pretraining, as in the paper, the landmark error after REC is \
         below that of random weights by at least a third",
        holds[0],
        format!(
            "Pixels: {}. The paper's {TRANSFER_UPDATES} updates see a ninetieth of the pictures of its pretraining",
            evidence.join("; ")
        ),
    );
}

/// Pictures with what the heads are to tell of them: 40 attributes, then x and y of the landmarks.
struct Labelled {
    data: Dataset,
    targets: Tensor,
    attributes: i64,
}

impl Labelled {
    fn new(context: &ExperimentContext, data: Dataset) -> Result<Self> {
        let root = context.root(Set::Faces)?;
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
            append_picture(&mut values, self.data.picture(i), size, false);
        }
        from_pixels(&values, indices.len(), size)
    }

    /// Errors of the mean of these pictures' targets on `test`.
    fn blind(&self, test: &Self) -> Errors {
        let mean = self.targets.mean_dim([0i64].as_slice(), true, Kind::Float);
        test.errors(&mean.expand_as(&test.targets))
    }

    /// Errors of what is `predicted` of all pictures, `[N, attributes + 10]`.
    fn errors(&self, predicted: &Tensor) -> Errors {
        let points = |t: &Tensor| {
            let length = 2 * POINTS as i64;
            t.narrow(1, self.attributes, length)
                .reshape([-1, POINTS as i64, 2])
        };
        let off = (points(predicted) - points(&self.targets)).square();
        let off = off
            .sum_dim_intlist(2, false, Kind::Float)
            .sqrt()
            .mean(Kind::Double);
        let there = |t: &Tensor| t.narrow(1, 0, self.attributes).ge(0.5);
        let wrong = there(predicted).not_equal_tensor(&there(&self.targets));
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

/// Heads on pretrained features.
struct Reader {
    /// With the encoder's weights where these are trained too.
    heads: Learner<Heads>,
    /// Subtracted from the codes, and what they are divided by then.
    mean: Tensor,
    deviation: Tensor,
}

impl Reader {
    /// Fresh heads on `network`, whose codes of the training pictures are `codes`.
    fn new(
        context: &ExperimentContext,
        network: &Trained,
        training: Training,
        codes: &Tensor,
        outputs: i64,
    ) -> Self {
        tch::manual_seed(context.settings.seed as i64);
        let adam = AdamConfig {
            beta1: 0.9,
            ..AdamConfig::default()
        };
        let heads = Learner::new(context.tools.device, Precision::F32, adam, |store| {
            let heads = Heads::new(store, context.settings.generator.bottleneck, outputs);
            if matches!(training, Training::Whole(_)) {
                store.parameters.extend(network.encoder());
            }
            heads
        });
        let mean = codes.mean_dim([0i64].as_slice(), true, Kind::Float);
        let (mean, deviation) = match training {
            // So that the rate suits codes of all sizes. Units that are always the same stay at 0.
            Training::Heads(_) => {
                let deviation = codes.std_dim([0i64].as_slice(), false, true);
                (mean, deviation.clamp_min(1e-6))
            }
            // Codes that are trained find their size.
            Training::Whole(_) => (mean.zeros_like(), mean.ones_like()),
        };
        Self {
            heads,
            mean,
            deviation,
        }
    }

    /// What the heads predict of pictures with `codes`.
    fn predicted(&self, codes: &Tensor) -> Tensor {
        (self.heads.network).forward(&((codes - &self.mean) / &self.deviation))
    }
}

/// Trains heads on `network` in each of the ways, and tests them.
fn transfer(
    context: &ExperimentContext,
    network: &Trained,
    train: &Labelled,
    test: &Labelled,
) -> Result<[Errors; TRAININGS]> {
    let device = context.tools.device;
    let targets = train.targets.to_device(device);
    let before = codes(network, train);
    let pretrained = network.values();
    let mut errors = Vec::new();
    for training in Training::all(context.settings.transfer_updates) {
        network.set(&pretrained)?;
        let mut reader = Reader::new(context, network, training, &before, targets.size()[1]);
        let mut sampler = Sampler::new(train.data.len(), BATCH, context.settings.seed);
        let updates = training.updates();
        let bar = ProgressBar::new(updates);
        for update in 0..updates {
            let indices = sampler.batch(update);
            let numbers: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
            let numbers = Tensor::from_slice(&numbers).to_device(device);
            let codes = match training {
                Training::Heads(_) => before.index_select(0, &numbers),
                Training::Whole(_) => network.encode(&train.pictures(&indices), Pass::Train),
            };
            let off = reader.predicted(&codes) - targets.index_select(0, &numbers);
            let loss = norms(&off, train.attributes);
            let done = update as f64 / updates as f64;
            reader
                .heads
                .descend(&loss, RATE * SCHEDULE.at(update, done));
            bar.inc(1);
        }
        bar.finish_and_clear();
        let predicted = tch::no_grad(|| reader.predicted(&codes(network, test)));
        errors.push(test.errors(&predicted.to_device(Device::Cpu)));
    }
    Ok(std::array::from_fn(|n| errors[n]))
}

/// What is minimised: of what both heads are `off`, `[N, attributes + 10]`, the Euclidean norm of
/// either. Squares would leave the landmarks, which are off by hundredths, without a say.
fn norms(off: &Tensor, attributes: i64) -> Tensor {
    let norm = |of: Tensor| (of.square().sum_dim_intlist(1, false, Kind::Float) + 1e-12).sqrt();
    let landmarks = off.narrow(1, attributes, 2 * POINTS as i64);
    (norm(off.narrow(1, 0, attributes)) + norm(landmarks)).mean(Kind::Float)
}

/// The codes `[N, bottleneck]` of all `pictures`, without gradients.
fn codes(network: &Trained, pictures: &Labelled) -> Tensor {
    let indices: Vec<usize> = (0..pictures.data.len()).collect();
    let bar = ProgressBar::new(indices.len() as u64);
    let chunks = indices.chunks(ENCODED).map(|chunk| {
        bar.inc(chunk.len() as u64);
        tch::no_grad(|| network.encode(&pictures.pictures(chunk), Pass::Use))
    });
    let codes = Tensor::cat(&chunks.collect::<Vec<_>>(), 0);
    bar.finish_and_clear();
    codes
}
