//! Fig. 9: losses added one by one.

use anyhow::Result;
use mde_core::mask::Task;

use super::context::{ExperimentContext, Set};
use super::pictures::curves;
use super::recipe::{LossChoice, Recipe};
use crate::report::document::{Block, Document, Table};
use crate::report::sheet;

/// The paper's task of the ablation.
const REC: Task = Task::Rec(0.1);
/// Faces shown.
const FACES: usize = 8;
/// Updates of the seeker of boxes, for each of the generators'.
const SEEKING: f64 = 0.5;

/// The names of the variants and their losses, each with one more than the one before.
fn variants() -> [(&'static str, LossChoice); 5] {
    let completion = LossChoice::PIXEL;
    let adversarial = LossChoice {
        adversarial: true,
        ..completion
    };
    let perceptual = LossChoice {
        perceptual: true,
        ..adversarial
    };
    let hide_and_seek = LossChoice {
        hide_and_seek: true,
        ..perceptual
    };
    let coordinates = LossChoice {
        coordinates: true,
        ..hide_and_seek
    };
    [
        ("completion", completion),
        ("adversarial", adversarial),
        ("perceptual", perceptual),
        ("hide-and-seek", hide_and_seek),
        ("coordinates", coordinates),
    ]
}

/// Runs it.
///
/// # Errors
/// Where data or networks cannot be used, or a file cannot be written.
pub fn run(context: &ExperimentContext) -> Result<Document> {
    context.face()?;
    let recipes = variants().map(|(name, losses)| Recipe::of_task(REC, losses).named(name));
    let data = context.evaluation_set(Set::Faces)?;
    let (trained, updates) = context.train(&recipes)?;
    let seeking = ((updates as f64 * SEEKING) as u64).max(1);
    let mut table = Table::new(
        "REC:0.1 with losses added one by one",
        "up to",
        &[
            "inception score",
            "PSNR, dB",
            "SSIM",
            "seam",
            "box error",
            "box error, blind",
        ],
        3,
    );
    let mut rows = Vec::new();
    let mut found = Vec::new();
    for network in &trained {
        let name = &network.recipe.name;
        println!("tests {name}");
        let m = context.part(name, || context.measure(&network.model(), &data, &REC))?;
        let probe = context.part(&format!("{name}-boxes"), || context.probe(network, seeking))?;
        let values = [
            m.inception.unwrap_or(f64::NAN),
            m.psnr[0],
            m.ssim[0],
            m.seam,
        ];
        let values = values.into_iter().chain([probe.error, probe.blind]);
        table
            .rows
            .push((format!("+ {name}"), values.map(Some).collect()));
        found.push((probe.error, m.seam));
        let indices: Vec<usize> = (0..FACES.min(data.len())).collect();
        let completions = network
            .model()
            .complete(&data, &indices, &REC, context.settings.seed)?;
        if rows.is_empty() {
            let framed = completions
                .iter()
                .map(|c| sheet::framed(c.original.view(), &c.mask));
            rows.push(framed.collect());
        }
        let generated = completions
            .iter()
            .map(|c| sheet::picture(c.generated.view()));
        rows.push(generated.collect());
    }
    let of_originals = context.part("originals", || context.inception_of_originals(&data))?;
    let mut document = context.document("Losses added one by one (Fig. 9)", updates);
    document.settings.retain(|(name, _)| name != "losses");
    document.blocks.push(Block::Table(table));
    document.text(format!(
        "The pictures themselves have the inception score {of_originals:.3}. Seam: mean gradient \
         along the masks' borders, divided by the original's there; 1 is invisible. Box error: \
         mean distance of the boxes that a fresh discriminator, trained for {seeking} updates on \
         what the generator makes, sees in it, from the true ones, as a share of the picture's \
         side; blind: of the mean box, for one who does not look."
    ));
    claims(&mut document, &found);
    let (path, picture) = context.picture(
        "losses",
        "Originals with the known boxes, then generated with one more loss in each row",
    );
    sheet::write(&path, &rows)?;
    document.blocks.push(Block::Picture(picture));
    document.blocks.push(curves(&trained));
    Ok(document)
}

/// Holds the variants with the hide-and-seek loss against the one before, without; each is its box
/// error and its seam.
fn claims(document: &mut Document, found: &[(f64, f64)]) {
    let [.., without, with, coordinates] = found else {
        return;
    };
    document.claim(
        "Adding the hide-and-seek loss lowers the discriminator's ability to find the boxes",
        with.0 > without.0 && coordinates.0 > without.0,
        format!(
            "Box error {:.4} without, {:.4} with it, {:.4} with coordinates as well",
            without.0, with.0, coordinates.0
        ),
    );
    let off = |seam: f64| (seam - 1.0).abs();
    document.claim(
        "Adding the hide-and-seek loss makes the seam less visible",
        off(with.1) < off(without.1) && off(coordinates.1) < off(without.1),
        format!(
            "Seam {:.3} without, {:.3} with it, {:.3} with coordinates as well",
            without.1, with.1, coordinates.1
        ),
    );
}
