//! The point net: five points of each face again, from where they were. A face can be looked at
//! twice, as it is and in the mirror: the mean is nearer than one answer (`make locate-accuracy`).
//! Of a face of which a part is covered this is done in each frame. By how much the mean differs
//! from the first answer changes slowly with any other face, so that this
//! [`MirrorCorrection`] can be kept for the next frames.

use std::ops::{Add, Div};
use std::sync::Arc;

use gst_video::VideoFrameRef;
use mde_core::alignment::{Affine, FacePoints, MIRRORED, TEMPLATE};
use mde_core::points::{self, INPUT, OUTPUT_POINTS, OUTPUT_SCORE, OUTPUT_VISIBILITY, SIZE};
use ort::value::TensorRef;

use super::{DisplaySpace, LocateError};
use crate::frame::{Channels, Crop, Reader};
use crate::runtime::{self, Model, Precision, Provider, RuntimeOptions, Sessions};

/// The net that the plug-in carries with it.
static MODEL: &[u8] = include_bytes!("../../models/points.onnx");

const AREA: usize = SIZE * SIZE;

/// Most faces the net looks at in one run.
const MOST: usize = 32;

/// Probability from which a point is taken for seen.
const SEEN: f32 = 0.5;

/// What a second look, in the mirror, adds to the answer of the first, in crop pixels.
pub type MirrorCorrection = [[f32; 2]; 5];

/// A face to look for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointQuery {
    /// The points that it had or is guessed to have, in display pixels.
    pub points: FacePoints,
    /// What to add to one look; without it the face is looked at twice.
    pub correction: Option<MirrorCorrection>,
}

impl PointQuery {
    /// At a face around `points` of which nothing else is known.
    pub fn at(points: FacePoints) -> Self {
        Self {
            points,
            correction: None,
        }
    }
}

/// What the net makes of a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointEstimate {
    /// In display pixels; covered ones are guessed from the rest of the face.
    pub points: FacePoints,
    /// How probable it is that a point is not covered, in `[0, 1]`.
    pub visibility: [f32; 5],
    /// How probable it is that there is a face where the net was pointed to, in `[0, 1]`.
    pub score: f32,
    /// What the second of two looks added.
    pub correction: Option<MirrorCorrection>,
}

impl PointEstimate {
    /// Whether point `k` is more probably seen than covered.
    pub fn is_seen(&self, k: usize) -> bool {
        self.visibility[k] >= SEEN
    }

    /// Whether any point is more probably covered than seen.
    pub fn is_covered(&self) -> bool {
        is_covered(&self.visibility)
    }

    /// The points around which to look for the face next. Where both eyes are seen and no corner of
    /// the mouth, they are the mean face's, laid on the eyes: the net guesses the mouth the lower,
    /// the larger the crop is, so that a crop laid on such a guess leads away from the face.
    pub fn anchor(&self) -> FacePoints {
        let [left_eye, right_eye, _, left_corner, right_corner] =
            std::array::from_fn(|k| self.is_seen(k));
        if !left_eye || !right_eye || left_corner || right_corner {
            return self.points;
        }
        let eyes = |[left, right, ..]: FacePoints| [left, right];
        match Affine::similarity(&eyes(TEMPLATE), &eyes(self.points)) {
            Ok(to_frame) => TEMPLATE.map(|p| to_frame.apply(p)),
            Err(_) => self.points,
        }
    }

    /// There is no face.
    fn nothing(points: &FacePoints) -> Self {
        Self {
            points: *points,
            visibility: [0.0; 5],
            score: 0.0,
            correction: None,
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
    estimates: Vec<PointEstimate>,
}

impl PointNet {
    /// Opens the net on one core, for this user alone: it is so small that sharing its work costs
    /// more than it saves, and that every stream can have it (1.5 MB) and need not wait for others.
    ///
    /// # Errors
    /// [`LocateError::PointNet`].
    pub fn open() -> Result<Self, LocateError> {
        let options = RuntimeOptions {
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            threads: Some(1),
            sessions: Sessions::Own,
            ..RuntimeOptions::default()
        };
        let model = runtime::open(MODEL, &options).map_err(LocateError::PointNet)?;
        Ok(Self {
            model,
            reader: Reader::default(),
            crops: Vec::new(),
            inside: vec![0.0; AREA],
            estimates: Vec::new(),
        })
    }

    /// Looks for each of `faces` in `frame`, displayed as `display` tells; they are turned upright
    /// first.
    ///
    /// # Errors
    /// [`LocateError::Points`].
    pub fn look<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        display: &DisplaySpace,
        faces: &[PointQuery],
    ) -> Result<&[PointEstimate], LocateError> {
        self.estimates.clear();
        for faces in faces.chunks(MOST) {
            self.look_at_some(frame, display, faces)
                .map_err(|reason| LocateError::Points {
                    faces: faces.len(),
                    reason: reason.to_string(),
                })?;
        }
        Ok(&self.estimates)
    }

    fn look_at_some<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        display: &DisplaySpace,
        faces: &[PointQuery],
    ) -> ort::Result<()> {
        self.crops.resize(faces.len() * CROP, 0.0);
        let mut to_display = Vec::with_capacity(faces.len());
        for (face, crop) in faces.iter().zip(self.crops.chunks_exact_mut(CROP)) {
            let map = points::align(&face.points).and_then(|to_crop| to_crop.inverse());
            // Points that coincide are no face, whatever the net says of the crop left from before.
            if let Ok(map) = &map {
                let target = Crop {
                    size: (SIZE, SIZE),
                    rgb: crop,
                    inside: &mut self.inside,
                };
                let to_frame = map.then(&display.to_frame);
                self.reader.read(frame, &to_frame, Channels::Rgb, target);
            }
            to_display.push(map.ok());
        }
        let mut answers = self.answers(&self.crops)?;
        let again: Vec<usize> = (0..faces.len())
            .filter(|&i| faces[i].correction.is_none() || is_covered(&answers[i].visibility))
            .collect();
        let mut corrections = vec![None; faces.len()];
        if !again.is_empty() {
            let crops = again.iter().map(|&i| &self.crops[i * CROP..][..CROP]);
            let crops: Vec<f32> = crops.flat_map(mirrored).collect();
            for (i, second) in again.into_iter().zip(self.answers(&crops)?) {
                let mean = answers[i].mean(&second.mirrored());
                corrections[i] = Some(answers[i].correction_to(&mean));
                answers[i] = mean;
            }
        }
        let estimates = faces.iter().zip(to_display).zip(answers).zip(corrections);
        for (((face, map), answer), correction) in estimates {
            let kept = face.correction.filter(|_| correction.is_none());
            let answer = answer.moved(&kept.unwrap_or_default());
            let estimate = map.map(|map| answer.on_display(&map, correction));
            let sound = estimate.filter(|e| e.points.iter().flatten().all(|v| v.is_finite()));
            self.estimates
                .push(sound.unwrap_or_else(|| PointEstimate::nothing(&face.points)));
        }
        Ok(())
    }

    /// What the net says of `crops`, each `[3, 64, 64]`.
    fn answers(&self, crops: &[f32]) -> ort::Result<Vec<Answer>> {
        let count = crops.len() / CROP;
        let input = TensorRef::from_array_view(([count, 3, SIZE, SIZE], crops))?;
        let mut session = self.model.session();
        let outputs = session.run(ort::inputs![INPUT => input])?;
        let values = |name: &str, each: usize| -> ort::Result<&[f32]> {
            let (shape, values) = outputs[name].try_extract_tensor::<f32>()?;
            match values.len() == count * each {
                true => Ok(values),
                false => Err(ort::Error::new(format!("the output {name} is {shape}"))),
            }
        };
        let points = values(OUTPUT_POINTS, 10)?.chunks_exact(10);
        let visibility = values(OUTPUT_VISIBILITY, 5)?.chunks_exact(5);
        let score = values(OUTPUT_SCORE, 1)?;
        let answers = points.zip(visibility).zip(score);
        Ok(answers
            .map(|((points, visibility), &score)| Answer {
                points: std::array::from_fn(|k| [points[2 * k], points[2 * k + 1]]),
                visibility: std::array::from_fn(|k| visibility[k]),
                score,
            })
            .collect())
    }
}

/// Five points halfway from `a` to `b`.
pub(super) fn halfway<T>(a: &[[T; 2]; 5], b: &[[T; 2]; 5]) -> [[T; 2]; 5]
where
    T: Copy + From<u8> + Add<Output = T> + Div<Output = T>,
{
    std::array::from_fn(|k| [0, 1].map(|axis| (a[k][axis] + b[k][axis]) / T::from(2)))
}

/// Whether any of five points is more probably covered than seen.
fn is_covered(visibility: &[f32; 5]) -> bool {
    visibility.iter().any(|&v| v < SEEN)
}

/// Values of a crop.
const CROP: usize = 3 * AREA;

/// The values of `crop` `[3, 64, 64]` in the mirror.
fn mirrored(crop: &[f32]) -> impl Iterator<Item = f32> {
    let rows = crop.chunks_exact(SIZE);
    rows.flat_map(|row| row.iter().rev().copied())
}

/// What the net says of a crop.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answer {
    /// In crop pixels.
    points: [[f32; 2]; 5],
    visibility: [f32; 5],
    score: f32,
}

impl Answer {
    /// The same of the crop in the mirror.
    fn mirrored(&self) -> Self {
        Self {
            points: MIRRORED.map(|k| {
                let [x, y] = self.points[k];
                [(SIZE - 1) as f32 - x, y]
            }),
            visibility: MIRRORED.map(|k| self.visibility[k]),
            score: self.score,
        }
    }

    fn mean(&self, other: &Self) -> Self {
        let mean = |a: f32, b: f32| (a + b) / 2.0;
        Self {
            points: halfway(&self.points, &other.points),
            visibility: std::array::from_fn(|k| mean(self.visibility[k], other.visibility[k])),
            score: mean(self.score, other.score),
        }
    }

    fn correction_to(&self, other: &Self) -> MirrorCorrection {
        std::array::from_fn(|k| [0, 1].map(|axis| other.points[k][axis] - self.points[k][axis]))
    }

    fn moved(&self, correction: &MirrorCorrection) -> Self {
        Self {
            points: std::array::from_fn(|k| {
                [0, 1].map(|axis| self.points[k][axis] + correction[k][axis])
            }),
            ..*self
        }
    }

    fn on_display(
        &self,
        to_display: &Affine,
        correction: Option<MirrorCorrection>,
    ) -> PointEstimate {
        PointEstimate {
            points: (self.points).map(|p| to_display.apply(p.map(f64::from))),
            visibility: self.visibility,
            score: self.score,
            correction,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use gst_video::{VideoFormat, VideoInfo, VideoOrientationMethod};

    use super::*;
    use crate::runtime::RuntimeError;

    /// Far longer than a run takes anywhere.
    const LONG: Duration = Duration::from_secs(120);

    #[test]
    fn two_users_run_the_net_at_the_same_time() {
        gst::init().expect("GStreamer");
        let (one, mut other) = match (PointNet::open(), PointNet::open()) {
            (Ok(one), Ok(other)) => (one, other),
            (Err(LocateError::PointNet(RuntimeError::Library(e))), _) => {
                eprintln!("skipped: {e}");
                return;
            }
            both => panic!("{both:?}"),
        };
        // As in the middle of a run.
        let running = one.model.session();
        let (done, is_done) = channel();
        let run = thread::spawn(move || {
            let info = VideoInfo::builder(VideoFormat::Gray8, 96, 96).build();
            let info = info.expect("a format");
            let buffer = gst::Buffer::from_slice(vec![90u8; info.size()]);
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
            let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
            let query = PointQuery::at(TEMPLATE);
            let seen = other.look(&frame, &display, &[query]).map(<[_]>::len);
            done.send(seen.ok()).expect("the test waits");
        });
        assert_eq!(is_done.recv_timeout(LONG), Ok(Some(1)));
        drop(running);
        run.join().expect("a sound thread");
    }

    #[test]
    fn answers_in_the_mirror_are_put_back_before_they_are_averaged() {
        let answer = Answer {
            points: std::array::from_fn(|k| [6.0 * k as f32, 6.0 * k as f32 + 3.0]),
            visibility: [0.1, 0.2, 0.3, 0.4, 0.5],
            score: 0.5,
        };
        let mirrored = answer.mirrored();
        assert_eq!(mirrored.points[1], [(SIZE - 1) as f32, 3.0]);
        assert_eq!(mirrored.visibility, [0.2, 0.1, 0.3, 0.5, 0.4]);
        let lower = Answer {
            points: mirrored.points.map(|[x, y]| [x, y + 2.0]),
            score: 1.0,
            ..mirrored
        };
        let mean = answer.mean(&lower.mirrored());
        let correction = answer.correction_to(&mean);
        assert_eq!(answer.moved(&correction).points, mean.points);
        let look = mean.on_display(&Affine::IDENTITY, None);
        for (point, [x, y]) in look.points.into_iter().zip(answer.points) {
            assert_eq!(point, [x, y + 1.0].map(f64::from));
        }
        assert_eq!((look.visibility, look.score), (answer.visibility, 0.75));
    }

    #[test]
    fn a_face_without_its_mouth_is_anchored_at_the_eyes() {
        let mut look = PointEstimate {
            points: TEMPLATE.map(|[x, y]| [2.0 * x, 2.0 * y]),
            visibility: [0.9; 5],
            score: 1.0,
            correction: None,
        };
        let wanted = look.points;
        look.points[3][1] += 9.0;
        look.points[4][1] += 9.0;
        assert_eq!(look.anchor(), look.points);
        look.visibility[3] = 0.1;
        assert_eq!(look.anchor(), look.points, "a corner is seen");
        look.visibility[4] = 0.1;
        for (point, wanted) in look
            .anchor()
            .as_flattened()
            .iter()
            .zip(wanted.as_flattened())
        {
            assert!((point - wanted).abs() < 1e-9);
        }
        look.visibility[0] = 0.1;
        assert_eq!(look.anchor(), look.points, "an eye is not seen");
    }

    #[test]
    fn rows_are_reversed_in_the_mirror() {
        let crop: Vec<f32> = (0..CROP).map(|i| i as f32).collect();
        let once: Vec<f32> = mirrored(&crop).collect();
        assert_eq!(once[0], (SIZE - 1) as f32);
        assert_eq!(once[SIZE], (2 * SIZE - 1) as f32);
        assert_eq!(mirrored(&once).collect::<Vec<_>>(), crop);
    }
}
