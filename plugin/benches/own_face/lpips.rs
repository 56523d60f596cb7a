//! The learned perceptual distance LPIPS (Zhang et al. 2018).

use std::sync::Arc;

use anyhow::Result;
use gstmdecomplete::runtime::Model;
use mde_core::occlusion::Rect;
use ort::value::TensorRef;

use super::measure;
use super::score::{Crop, SIDE};

/// Pixels around a hole that are compared with it, so that its border is judged as well.
const AROUND: usize = 32;
/// The network halves the sides four times.
const STEP: usize = 16;

/// The network, as `mde-train export-lpips` writes it.
pub struct Lpips {
    model: Arc<Model>,
}

impl Lpips {
    /// From the file that `MDE_LPIPS` names, if it is set.
    pub fn open() -> Result<Option<Self>> {
        let model = measure::model_named("MDE_LPIPS")?;
        if model.is_none() {
            println!("LPIPS is not measured: MDE_LPIPS names no file of `mde-train export-lpips`");
        }
        Ok(model.map(|model| Self { model }))
    }

    /// The distance of `a` and `b` in `hole` and around it.
    pub fn distance(&self, a: &Crop, b: &Crop, hole: Rect) -> Result<f64> {
        let (x0, x1) = widened(hole.x0, hole.x1);
        let (y0, y1) = widened(hole.y0, hole.y1);
        let part = Rect::new(x0, y0, x1, y1);
        let mut pictures = a.part(part);
        pictures.extend(b.part(part));
        let shape = [2, 3, part.height(), part.width()];
        let tensor = TensorRef::from_array_view((shape, pictures.as_slice()))?;
        let mut session = self.model.session();
        let outputs = session.run(ort::inputs![tensor])?;
        let mut distance = 0.0;
        for (_, layer) in &outputs {
            let (shape, values) = layer.try_extract_tensor::<f32>()?;
            let (a, b) = values.split_at(values.len() / 2);
            let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
            distance += squares.sum::<f64>() / (shape[2] * shape[3]) as f64;
        }
        Ok(distance)
    }
}

/// `low` to `high` widened on both sides to a whole number of steps, within a crop.
fn widened(low: usize, high: usize) -> (usize, usize) {
    let low = low.saturating_sub(AROUND) / STEP * STEP;
    (low, (high + AROUND).next_multiple_of(STEP).min(SIDE))
}
