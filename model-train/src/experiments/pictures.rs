//! What generators make of faces, flowers and digits, to be looked at: Figs. 5, 6 and 7.

use anyhow::Result;
use image::RgbImage;
use mde_core::mask::Task;

use super::context::{ExperimentContext, Set};
use super::recipe::Recipe;
use super::training::Trained;
use crate::report::document::{Block, Chart, Document, Table};
use crate::report::sheet;

/// Pictures of each data set and task in Fig. 5, its rows times three.
const COLUMNS: usize = 8;
/// Pictures in Figs. 6 and 7.
const ROWS: usize = 6;
/// Masks a picture in Fig. 6.
const SAMPLES: u64 = 5;
/// Passes in Fig. 7.
const PASSES: u64 = 10;
/// The paper's REC of Figs. 6 and 7.
const REC: Task = Task::Rec(0.1);

/// Fig. 5.
///
/// # Errors
/// Where data cannot be used or a file cannot be written.
pub fn completion(context: &ExperimentContext) -> Result<Document> {
    use Task::{RandomExtrapolation as Re, Rec, ReverseInpainting as Ri};
    let published = [
        (Set::Faces, &[Ri(0.25), Re(0.33), Rec(0.1)][..]),
        (Set::Flowers, &[Ri(0.25), Re(0.33), Rec(0.2)]),
        (Set::Digits, &[Re(0.25)]),
    ];
    let mut recipes = Vec::new();
    for (set, tasks) in published {
        if context.root(set).is_ok() {
            let of = |&task| Recipe::of_task(task, context.settings.losses).of(set);
            recipes.extend(tasks.iter().map(of));
        }
    }
    let (trained, updates) = context.train(&recipes)?;
    let mut document =
        context.document("Completion of faces, flowers and digits (Fig. 5)", updates);
    let mut table = Table::new("PSNR in dB and SSIM", "network", &["PSNR", "SSIM"], 3);
    let mut pictures = Vec::new();
    for network in &trained {
        let Recipe {
            name, set, task, ..
        } = &network.recipe;
        let data = context.evaluation_set(*set)?;
        let measures = context.part(name, || context.measure(&network.model(), &data, task))?;
        let row = vec![Some(measures.psnr[0]), Some(measures.ssim[0])];
        table.rows.push((name.clone(), row));
        let indices = spread(data.len(), COLUMNS);
        let completions =
            (network.model()).complete(&data, &indices, task, context.settings.seed)?;
        let caption = format!(
            "{}, {task}: original with the known boxes, and generated",
            set.name()
        );
        let (path, picture) = context.picture(name, &caption);
        let framed = completions
            .iter()
            .map(|c| sheet::framed(c.original.view(), &c.mask));
        let generated = completions
            .iter()
            .map(|c| sheet::picture(c.generated.view()));
        sheet::write(&path, &[framed.collect(), generated.collect()])?;
        pictures.push(Block::Picture(picture));
    }
    document.blocks.push(Block::Table(table));
    document.blocks.extend(pictures);
    document.blocks.push(curves(&trained));
    for set in [Set::Flowers, Set::Digits] {
        if context.root(set).is_err() {
            document.text(format!("{} was not given and is left out.", set.name()));
        }
    }
    Ok(document)
}

/// Fig. 6.
///
/// # Errors
/// Where data cannot be used or a file cannot be written.
pub fn samples(context: &ExperimentContext) -> Result<Document> {
    let (trained, updates) = context.train(&[Recipe::of_task(REC, context.settings.losses)])?;
    let mut document = context.document("Five completions of each face (Fig. 6)", updates);
    let data = context.evaluation_set(Set::Faces)?;
    let indices = spread(data.len(), ROWS);
    let mut rows: Vec<Vec<RgbImage>> = Vec::new();
    for network in &trained {
        for &i in &indices {
            let (mut framed, mut generated) = (Vec::new(), Vec::new());
            for sample in 0..SAMPLES {
                let seed = context.settings.seed + sample;
                for c in network.model().complete(&data, &[i], &REC, seed)? {
                    framed.push(sheet::framed(c.original.view(), &c.mask));
                    generated.push(sheet::picture(c.generated.view()));
                }
            }
            rows.extend([framed, generated]);
        }
    }
    let caption = "Each face under five masks, and what is generated from each";
    let (path, picture) = context.picture("samples", caption);
    sheet::write(&path, &rows)?;
    document.blocks.push(Block::Picture(picture));
    document.blocks.push(curves(&trained));
    Ok(document)
}

/// Fig. 7.
///
/// # Errors
/// Where data cannot be used or a file cannot be written.
pub fn resample(context: &ExperimentContext) -> Result<Document> {
    let (trained, updates) = context.train(&[Recipe::of_task(REC, context.settings.losses)])?;
    let mut document = context.document("Ten successive passes (Fig. 7)", updates);
    let data = context.evaluation_set(Set::Faces)?;
    let mut rows = Vec::new();
    let mut table = Table::new(
        "Distance of each pass from the original and from the pass before, PSNR in dB",
        "pass",
        &["to the original", "to the pass before"],
        2,
    );
    for network in &trained {
        let passes = network.model().resample(
            &data,
            &spread(data.len(), ROWS),
            &REC,
            context.settings.seed,
            PASSES,
        )?;
        for pictures in &passes {
            rows.push(pictures.iter().map(|p| sheet::picture(p.view())).collect());
        }
        for pass in 1..=PASSES as usize {
            let mean = |to: &dyn Fn(usize) -> usize| {
                let psnr = passes
                    .iter()
                    .map(|p| mde_core::quality::psnr(p[pass].view(), p[to(pass)].view()));
                Some(psnr.sum::<f64>() / passes.len() as f64)
            };
            table
                .rows
                .push((pass.to_string(), vec![mean(&|_| 0), mean(&|p| p - 1)]));
        }
    }
    let caption = "The original, and what ten passes make of it, each through a new mask";
    let (path, picture) = context.picture("resample", caption);
    sheet::write(&path, &rows)?;
    document.blocks.push(Block::Picture(picture));
    document.blocks.push(Block::Table(table));
    document.blocks.push(curves(&trained));
    Ok(document)
}

/// The completion losses of `trained` over their updates.
pub fn curves(trained: &[Trained]) -> Block {
    Block::Chart(Chart {
        caption: "Completion loss (equation 3) in training".to_owned(),
        axes: ["update", "mean squared error"].map(str::to_owned),
        lines: (trained.iter())
            .map(|t| (t.recipe.name.clone(), t.curve.clone()))
            .collect(),
    })
}

/// `count` numbers below `len` at even distances, or all there are.
fn spread(len: usize, count: usize) -> Vec<usize> {
    let count = count.min(len);
    (0..count).map(|i| i * len / count).collect()
}
