//! The point net: five points of each face again, from where they were. Each crop is looked at
//! twice, as it is and in the mirror: on the whole the mean is nearer than one answer, most where
//! half a face is covered (`make locate-accuracy`).

use std::sync::Arc;

use gst_video::VideoFrameRef;
use mde_core::alignment::{Affine, FacePoints, MIRRORED};
use mde_core::points::{self, INPUT, OUTPUT_POINTS, OUTPUT_SCORE, OUTPUT_VISIBILITY, SIZE};
use ort::value::TensorRef;

use super::LocateError;
use crate::frame::{Channels, Crop, Reader};
use crate::runtime::{self, Model, Options, Precision, Provider};

/// The net that the plug-in carries with it.
static MODEL: &[u8] = include_bytes!("../../models/points.onnx");

const AREA: usize = SIZE * SIZE;

/// Most faces the net looks at in one run.
const MOST: usize = 32;

/// What the net makes of a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// In frame pixels; covered ones are guessed from the rest of the face.
    pub points: FacePoints,
    /// How probable it is that a point is not covered, in `[0, 1]`.
    pub visibility: [f32; 5],
    /// How probable it is that there is a face where the net was pointed to, in `[0, 1]`.
    pub score: f32,
}

impl Look {
    /// There is no face.
    fn nothing(points: &FacePoints) -> Self {
        Self {
            points: *points,
            visibility: [0.0; 5],
            score: 0.0,
        }
    }
}

/// The net, ready to look at frames.
#[derive(Debug)]
pub struct PointNet {
    model: Arc<Model>,
    reader: Reader,
    crops: Vec<f32>,
    inside: Vec<f32>,
    looks: Vec<Look>,
}

impl PointNet {
    /// Opens the net on one core: it is so small that sharing its work costs more than it saves.
    ///
    /// # Errors
    /// [`LocateError::PointNet`].
    pub fn open() -> Result<Self, LocateError> {
        let options = Options {
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            threads: Some(1),
            ..Options::default()
        };
        let model = runtime::open(MODEL, &options).map_err(LocateError::PointNet)?;
        Ok(Self {
            model,
            reader: Reader::default(),
            crops: Vec::new(),
            inside: vec![0.0; AREA],
            looks: Vec::new(),
        })
    }

    /// Looks for a face around each of `faces`, the points that it had or is guessed to have in
    /// frame pixels; the face is turned upright first.
    ///
    /// # Errors
    /// [`LocateError::Look`].
    pub fn look<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        faces: &[FacePoints],
    ) -> Result<&[Look], LocateError> {
        self.looks.clear();
        for faces in faces.chunks(MOST) {
            self.look_at_some(frame, faces)
                .map_err(|reason| LocateError::Look {
                    faces: faces.len(),
                    reason: reason.to_string(),
                })?;
        }
        Ok(&self.looks)
    }

    fn look_at_some<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        faces: &[FacePoints],
    ) -> ort::Result<()> {
        let looks = 2 * faces.len();
        self.crops.resize(looks * 3 * AREA, 0.0);
        let mut to_frame = Vec::with_capacity(faces.len());
        for (face, pair) in faces.iter().zip(self.crops.chunks_exact_mut(6 * AREA)) {
            let (crop, mirrored) = pair.split_at_mut(3 * AREA);
            let map = points::align(face).and_then(|to_crop| to_crop.inverse());
            // Points that coincide are no face, whatever the net says of the crop left from before.
            if let Ok(map) = &map {
                let target = Crop {
                    size: (SIZE, SIZE),
                    rgb: &mut *crop,
                    inside: &mut self.inside,
                };
                self.reader.read(frame, map, Channels::Rgb, target);
                mirror(crop, mirrored);
            }
            to_frame.push(map.ok());
        }
        let shape = [looks, 3, SIZE, SIZE];
        let input = TensorRef::from_array_view((shape, self.crops.as_slice()))?;
        let mut session = self.model.session();
        let outputs = session.run(ort::inputs![INPUT => input])?;
        let values = |name: &str, each: usize| -> ort::Result<&[f32]> {
            let (shape, values) = outputs[name].try_extract_tensor::<f32>()?;
            match values.len() == looks * each {
                true => Ok(values),
                false => Err(ort::Error::new(format!("the output {name} is {shape}"))),
            }
        };
        let points = values(OUTPUT_POINTS, 10)?.chunks_exact(20);
        let visibility = values(OUTPUT_VISIBILITY, 5)?.chunks_exact(10);
        let score = values(OUTPUT_SCORE, 1)?.chunks_exact(2);
        let answers = points.zip(visibility).zip(score);
        for ((face, map), ((points, visibility), score)) in faces.iter().zip(to_frame).zip(answers)
        {
            let look = map.map(|map| look(&map, points, visibility, score));
            let sound = look.filter(|l| l.points.iter().flatten().all(|v| v.is_finite()));
            self.looks
                .push(sound.unwrap_or_else(|| Look::nothing(face)));
        }
        Ok(())
    }
}

/// `crop` `[3, 64, 64]` in the mirror.
fn mirror(crop: &[f32], mirrored: &mut [f32]) {
    let rows = crop.chunks_exact(SIZE).zip(mirrored.chunks_exact_mut(SIZE));
    for (row, mirrored) in rows {
        mirrored.copy_from_slice(row);
        mirrored.reverse();
    }
}

/// The net's answers to a crop and to the same in the mirror, one after the other, averaged, in
/// frame pixels.
fn look(to_frame: &Affine, points: &[f32], visibility: &[f32], score: &[f32]) -> Look {
    let (points, points_mirrored) = points.split_at(10);
    let (visibility, visibility_mirrored) = visibility.split_at(5);
    let last = (SIZE - 1) as f32;
    Look {
        points: std::array::from_fn(|k| {
            let m = MIRRORED[k];
            let x = (points[2 * k] + last - points_mirrored[2 * m]) / 2.0;
            let y = (points[2 * k + 1] + points_mirrored[2 * m + 1]) / 2.0;
            to_frame.apply([f64::from(x), f64::from(y)])
        }),
        visibility: std::array::from_fn(|k| {
            (visibility[k] + visibility_mirrored[MIRRORED[k]]) / 2.0
        }),
        score: (score[0] + score[1]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_the_mirror_are_put_back_before_they_are_averaged() {
        let points: [f32; 10] = std::array::from_fn(|i| 3.0 * i as f32);
        let visibility = [0.1, 0.2, 0.3, 0.4, 0.5];
        let mut both = [points; 2].concat();
        let mut visible = [visibility; 2].concat();
        for k in 0..5 {
            let m = MIRRORED[k];
            both[10 + 2 * m] = (SIZE - 1) as f32 - points[2 * k];
            both[10 + 2 * m + 1] = points[2 * k + 1] + 2.0;
            visible[5 + m] = visibility[k];
        }
        let look = look(&Affine::IDENTITY, &both, &visible, &[0.5, 1.0]);
        for (k, [x, y]) in look.points.into_iter().enumerate() {
            let [wanted_x, wanted_y] = [points[2 * k], points[2 * k + 1]].map(f64::from);
            assert_eq!([x, y], [wanted_x, wanted_y + 1.0]);
        }
        assert_eq!((look.visibility, look.score), (visibility, 0.75));
    }

    #[test]
    fn rows_are_reversed_in_the_mirror() {
        let crop: Vec<f32> = (0..3 * AREA).map(|i| i as f32).collect();
        let mut mirrored = vec![0.0; 3 * AREA];
        mirror(&crop, &mut mirrored);
        assert_eq!(mirrored[0], (SIZE - 1) as f32);
        assert_eq!(mirrored[SIZE], (2 * SIZE - 1) as f32);
        mirror(&mirrored.clone(), &mut mirrored);
        assert_eq!(mirrored, crop);
    }
}
