//! Fig. 8: networks trained on each task, tested on every task.

use anyhow::Result;
use mde_core::mask::Task;

use super::context::{ExperimentContext, Set};
use super::measure::Measures;
use super::pictures::curves;
use super::published;
use super::recipe::Recipe;
use crate::report::document::{Block, Document, Table};

/// Runs it.
///
/// # Errors
/// Where data or networks cannot be used, or a file cannot be written.
pub fn run(context: &ExperimentContext) -> Result<Document> {
    context.face()?;
    let tasks: Vec<Task> = tasks()?;
    let recipes: Vec<Recipe> = (tasks.iter())
        .map(|&task| Recipe::of_task(task, context.settings.losses))
        .collect();
    let data = context.evaluation_set(Set::Faces)?;
    let (trained, updates) = context.train(&recipes)?;
    let mut rows = Vec::new();
    for network in &trained {
        println!("tests {}", network.recipe.name);
        let row: Vec<Measures> = context.part(&network.recipe.name, || {
            let model = network.model();
            tasks
                .iter()
                .map(|task| context.measure(&model, &data, task))
                .collect()
        })?;
        rows.push((network.recipe.task, row));
    }
    let of_originals = context.part("originals", || context.inception_of_originals(&data))?;
    let mut document = context.document("Training tasks against test tasks (Fig. 8)", updates);
    let psnr = matrix(
        "PSNR in dB of the whole output",
        &rows,
        |m| Some(m.psnr[0]),
        2,
    );
    let inception = matrix(
        "Inception score of the whole output",
        &rows,
        |m| m.inception,
        3,
    );
    claim(&mut document, &psnr, &rows);
    document
        .blocks
        .extend([Block::Table(psnr), Block::Table(inception)]);
    document.text(format!(
        "The inception score takes our face network's posterior of the 40 attributes in the place \
         of VGG-Face's of persons, so that only its order compares with the paper's. The pictures \
         themselves have {of_originals:.3}."
    ));
    document.blocks.push(curves(&trained));
    Ok(document)
}

/// The tasks of the experiment.
///
/// # Errors
/// Never but for a mistake in their names.
pub fn tasks() -> Result<Vec<Task>> {
    published::TASKS
        .iter()
        .map(|name| Ok(name.parse()?))
        .collect()
}

/// A row a network, a column a test, and their mean.
fn matrix(
    caption: &str,
    rows: &[(Task, Vec<Measures>)],
    value: impl Fn(&Measures) -> Option<f64>,
    decimals: usize,
) -> Table {
    let columns: Vec<String> = (rows.iter().map(|(task, _)| task.to_string()))
        .chain(["mean".to_owned()])
        .collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(caption, "trained on", &columns, decimals);
    table.shaded = true;
    for (task, measures) in rows {
        let mut values: Vec<Option<f64>> = measures.iter().map(&value).collect();
        let sum: Option<f64> = values.iter().copied().sum();
        values.push(sum.map(|s| s / measures.len() as f64));
        table.rows.push((task.to_string(), values));
    }
    table
}

fn claim(document: &mut Document, psnr: &Table, rows: &[(Task, Vec<Measures>)]) {
    let mean = |n: usize| psnr.rows[n].1.last().copied().flatten().unwrap_or(f64::NAN);
    let best = |of_rec: bool| {
        let candidates = (0..rows.len()).filter(|&n| matches!(rows[n].0, Task::Rec(_)) == of_rec);
        candidates.max_by(|&a, &b| mean(a).total_cmp(&mean(b)))
    };
    if let (Some(rec), Some(single)) = (best(true), best(false)) {
        document.claim(
            "REC beats every single task on the average over all tests",
            mean(rec) > mean(single),
            format!(
                "Mean PSNR {:.2} dB for {}, {:.2} dB for {}, the best of the others",
                mean(rec),
                rows[rec].0,
                mean(single),
                rows[single].0
            ),
        );
    }
}
