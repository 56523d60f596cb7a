//! MTCNN's O-Net (Zhang et al. 2016), the reference on uncovered frames.

use std::sync::Arc;

use anyhow::Result;
use gstmdecomplete::locate::Bounds;
use gstmdecomplete::runtime::Model;
use mde_core::alignment::FacePoints;
use ort::value::TensorRef;

use super::Finders;
use super::clips::Image;
use super::measure;

const SIDE: usize = 48;

/// The net.
pub struct Onet {
    model: Arc<Model>,
}

impl Onet {
    /// From the file that `MDE_ONET` names, if it is set.
    pub fn open() -> Result<Option<Self>> {
        let model = measure::model_named("MDE_ONET")?;
        Ok(model.map(|model| Self { model }))
    }

    /// The points of the best face that the detector finds in `image`: seen in its box first, then
    /// in the box that the net makes of that, as after the stages before it.
    pub fn points(&mut self, image: &Image, finders: &mut Finders) -> Result<Option<FacePoints>> {
        let Some(found) = finders.best(image)? else {
            return Ok(None);
        };
        let (better, _) = self.look(image, square(&found))?;
        let (_, points) = self.look(image, square(&better))?;
        Ok(Some(points))
    }

    /// The box and the points that the net sees in the square `bounds`.
    fn look(&mut self, image: &Image, bounds: Bounds) -> Result<(Bounds, FacePoints)> {
        let side = bounds.x1 - bounds.x0;
        let mut input = Vec::with_capacity(3 * SIDE * SIDE);
        // The net was trained on transposed pictures: columns first.
        for x in 0..SIDE {
            for y in 0..SIDE {
                input.extend(image.mean(&bounds, [x, y]).map(|v| (v - 127.5) / 128.0));
            }
        }
        let shape = [1, SIDE, SIDE, 3];
        let tensor = TensorRef::from_array_view((shape, input.as_slice()))?;
        let mut session = self.model.session();
        let outputs = session.run(ort::inputs![tensor])?;
        let (_, edges) = outputs[0].try_extract_tensor::<f32>()?;
        let (_, points) = outputs[1].try_extract_tensor::<f32>()?;
        let x = |share: f32| bounds.x0 + f64::from(share) * side;
        let y = |share: f32| bounds.y0 + f64::from(share) * side;
        let better = Bounds {
            x0: x(edges[0]),
            y0: y(edges[1]),
            x1: x(1.0 + edges[2]),
            y1: y(1.0 + edges[3]),
        };
        let points = std::array::from_fn(|k| [x(points[k]), y(points[5 + k])]);
        Ok((better, points))
    }
}

/// The square of the longer side around the same centre, which is what the net expects.
fn square(bounds: &Bounds) -> Bounds {
    let half = (bounds.x1 - bounds.x0).max(bounds.y1 - bounds.y0) / 2.0;
    let (x, y) = ((bounds.x0 + bounds.x1) / 2.0, (bounds.y0 + bounds.y1) / 2.0);
    Bounds {
        x0: x - half,
        y0: y - half,
        x1: x + half,
        y1: y + half,
    }
}

impl Image {
    /// The mean colour of cell `[column, row]` of the 48x48 that `bounds` is cut into; black
    /// outside of the picture.
    fn mean(&self, bounds: &Bounds, [column, row]: [usize; 2]) -> [f32; 3] {
        let cell = (bounds.x1 - bounds.x0) / SIDE as f64;
        let pixels = |low: f64, index: usize| {
            let from = low + 0.5 + cell * index as f64;
            let to = (from + cell).ceil().max(from.floor() + 1.0);
            from.floor() as i64..to as i64
        };
        let (mut sum, mut count) = ([0.0; 3], 0.0);
        for y in pixels(bounds.y0, row) {
            for x in pixels(bounds.x0, column) {
                count += 1.0;
                if (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y) {
                    let at = 3 * (y as usize * self.width + x as usize);
                    for (sum, value) in sum.iter_mut().zip(&self.pixels[at..at + 3]) {
                        *sum += f32::from(*value);
                    }
                }
            }
        }
        sum.map(|v| v / count)
    }
}
