//! CelebA's validation pictures and their points.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mde_core::alignment::FacePoints;

use super::clips::Image;

/// Where the 144x144 pictures begin in the published ones, whose coordinates the landmarks have.
const CORNER: [f64; 2] = [16.0, 48.0];

/// The first `count` pictures of the validation part that have points.
pub fn all(celeba: &Path, count: usize) -> Result<Vec<(Image, FacePoints)>> {
    let landmarks = landmarks(&celeba.join("landmarks_estimated.txt"))?;
    let tar = celeba.join("val/00.tar");
    let file = File::open(&tar).with_context(|| tar.display().to_string())?;
    let mut pictures = Vec::new();
    for entry in tar::Archive::new(file).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let Some(points) = landmarks.get(&name) else {
            continue;
        };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        let picture = image::load_from_memory(&bytes)?.into_rgb8();
        ensure!(picture.dimensions() == (144, 144), "{name} is not 144x144");
        let image = Image {
            width: 144,
            height: 144,
            pixels: picture.into_raw(),
        };
        pictures.push((image, *points));
        if pictures.len() == count {
            break;
        }
    }
    Ok(pictures)
}

fn landmarks(file: &Path) -> Result<HashMap<String, FacePoints>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let rows = text.lines().skip(2).map(|line| {
        let mut fields = line.split_whitespace();
        let name = fields.next().context("a name")?.to_owned();
        let values: Vec<f64> = fields.map(str::parse).collect::<Result<_, _>>()?;
        ensure!(values.len() >= 10, "ten coordinates: '{line}'");
        let points =
            std::array::from_fn(|k| [values[2 * k] - CORNER[0], values[2 * k + 1] - CORNER[1]]);
        Ok((name, points))
    });
    rows.collect()
}
