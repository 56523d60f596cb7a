//! The point net: five points of each face again, from where they were.

use std::sync::Arc;

use gst_video::VideoFrameRef;
use mde_core::alignment::{Affine, FacePoints};
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
        self.crops.resize(faces.len() * 3 * AREA, 0.0);
        let mut to_frame = Vec::with_capacity(faces.len());
        for (face, crop) in faces.iter().zip(self.crops.chunks_exact_mut(3 * AREA)) {
            let map = points::align(face).and_then(|to_crop| to_crop.inverse());
            // Points that coincide are no face, whatever the net says of the crop left from before.
            if let Ok(map) = &map {
                let crop = Crop {
                    size: (SIZE, SIZE),
                    rgb: crop,
                    inside: &mut self.inside,
                };
                self.reader.read(frame, map, Channels::Rgb, crop);
            }
            to_frame.push(map.ok());
        }
        let shape = [faces.len(), 3, SIZE, SIZE];
        let input = TensorRef::from_array_view((shape, self.crops.as_slice()))?;
        let mut session = self.model.session();
        let outputs = session.run(ort::inputs![INPUT => input])?;
        let values = |name: &str, each: usize| -> ort::Result<&[f32]> {
            let (shape, values) = outputs[name].try_extract_tensor::<f32>()?;
            match values.len() == faces.len() * each {
                true => Ok(values),
                false => Err(ort::Error::new(format!("the output {name} is {shape}"))),
            }
        };
        let points = values(OUTPUT_POINTS, 10)?.chunks_exact(10);
        let visibility = values(OUTPUT_VISIBILITY, 5)?.chunks_exact(5);
        let answers = points.zip(visibility).zip(values(OUTPUT_SCORE, 1)?);
        for ((face, map), ((points, visibility), score)) in faces.iter().zip(to_frame).zip(answers)
        {
            let look = map.map(|map| look(&map, points, visibility, *score));
            let sound = look.filter(|l| l.points.iter().flatten().all(|v| v.is_finite()));
            self.looks
                .push(sound.unwrap_or_else(|| Look::nothing(face)));
        }
        Ok(())
    }
}

/// The net's answer in frame pixels.
fn look(to_frame: &Affine, points: &[f32], visibility: &[f32], score: f32) -> Look {
    Look {
        points: std::array::from_fn(|k| {
            to_frame.apply([f64::from(points[2 * k]), f64::from(points[2 * k + 1])])
        }),
        visibility: std::array::from_fn(|k| visibility[k]),
        score,
    }
}
