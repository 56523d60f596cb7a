//! Batches of faces with holes, made ahead of the training thread. A batch is a pure function of the
//! seed and the update.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use mde_core::mask::Mask;
use mde_core::refining::{SCALE, STEP};
use rand::RngExt;
use rand_pcg::Pcg64;
use tch::{Device, Kind, Tensor};

use crate::data::{CropRule, Dataset, DatasetOptions, Split, prefetched};
use crate::tensors::{append_picture, channels_last, from_pixels};
use crate::training::mixture::Mixture;
use crate::views::batches::a_pixel_of;
use crate::views::faces::PICTURE;
use crate::views::placement::{Light, Placement, Spread, bending, crops, lit};

/// Side of the stored pictures in pixels, laid as those that the generator learns from.
pub const STORED: usize = PICTURE * SCALE;

/// Faces at twice the size that the generator learns from: pictures of `face-crops --side 288`.
pub struct Faces {
    pictures: Dataset,
    /// Pictures of one face each.
    of_faces: Vec<Vec<usize>>,
    /// How likely the faces up to each are drawn.
    drawn: Vec<f64>,
}

/// How batches are drawn.
#[derive(Clone)]
pub struct Config {
    /// Pictures a batch.
    pub batch: usize,
    /// Side of the generator's crops in pixels.
    pub size: usize,
    /// Side of the windows that the refiner is shown in training, in its pixels.
    pub window: usize,
    /// Seed of everything drawn.
    pub seed: u64,
    /// Tasks.
    pub mixture: Mixture,
    /// The share of pictures whose holes hold the truth, blurred, in the place of what a generator paints.
    pub blurred: f64,
}

/// Pictures of one update.
pub struct Batch {
    /// The faces, `[N, 3, 2 S, 2 S]` f32.
    pub pictures: Tensor,
    /// 1 known, 0 missing, at the generator's size, `[N, 3, S, S]` f32.
    pub masks: Tensor,
    /// What is in the hole in the place of what a generator paints, `[N, 3, S, S]` f32, and which pictures
    /// have it: 1, else 0, `[N, 1, 1, 1]` f32.
    pub blurred: (Tensor, Tensor),
    /// Where the windows begin, x and y, `[N, 2]` i64.
    pub windows: Tensor,
    /// A pixel of each window's hole: x and y from its corner on, `[N, 2]` i64.
    pub in_hole: Tensor,
}

/// Batches kept ready.
const AHEAD: usize = 3;
/// How a face lies on its crop.
const OF_FACE: Spread = Spread {
    angle: 0.04,
    scale: 0.06,
    shift: 0.03,
    bend: 0.0,
};
/// How many pictures are made as soft as a camera or a codec leaves them, and to which share of their
/// size at the least.
const SOFT: f64 = 0.35;
const SOFTEST: f64 = 0.5;
/// How far the outlines of a blurred truth are torn, in pixels of the generator's crop, at the most (standard
/// deviation), and at how many places in each direction: what is painted has frayed lips and lids.
const TORN: f64 = 1.2;
const TEARS: i64 = 28;
/// To which share of the generator's crop a blurred truth is made smaller, at the least and at the most.
const BLUR: [f64; 2] = [0.2, 0.8];

impl Faces {
    /// The faces of `split` in the folder `root`, which has sub-folders train and val, each with a
    /// folder a face.
    ///
    /// # Errors
    /// Where there are none.
    pub fn open(root: &Path, split: Split, cache: Option<PathBuf>) -> Result<Self> {
        let pictures = Dataset::open(&DatasetOptions {
            root: root.to_owned(),
            split,
            size: STORED,
            crop: CropRule::Square,
            cache,
        })?;
        let mut faces: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for i in 0..pictures.len() {
            let folder = Path::new(pictures.name(i)).parent();
            let folder = folder.unwrap_or(Path::new("")).to_owned();
            faces.entry(folder).or_default().push(i);
        }
        let mut of_faces: Vec<_> = faces.into_values().collect();
        of_faces.sort();
        // Frames of a clip are alike, but not the same.
        let mut sum = 0.0;
        let likely = of_faces.iter().map(|pictures| {
            sum += (pictures.len() as f64).sqrt();
            sum
        });
        Ok(Self {
            drawn: likely.collect(),
            of_faces,
            pictures,
        })
    }

    /// Faces, and pictures of them.
    pub fn len(&self) -> (usize, usize) {
        (self.of_faces.len(), self.pictures.len())
    }

    /// A picture of each face, the one in the middle of its own.
    pub fn one_of_each(&self) -> impl Iterator<Item = &[u8]> {
        let middles = (self.of_faces.iter()).filter_map(|own| own.get(own.len() / 2));
        middles.map(|index| self.pictures.picture(*index))
    }

    /// One of the pictures, `[288, 288, 3]`.
    fn draw(&self, rng: &mut Pcg64) -> &[u8] {
        let all = self.drawn.last().copied().unwrap_or_default();
        let at = rng.random::<f64>() * all;
        let face = self.drawn.partition_point(|sum| *sum <= at);
        let pictures = &self.of_faces[face.min(self.of_faces.len() - 1)];
        let picture = pictures[rng.random_range(0..pictures.len())];
        self.pictures.picture(picture)
    }
}

/// The batches from update `first` on, made by a thread of their own that ends with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(faces: Arc<Faces>, config: Config, first: u64) -> Result<Receiver<Batch>> {
    prefetched(AHEAD, first, move |update| make(&faces, &config, update))
}

/// The batch of `update`.
pub fn make(faces: &Faces, config: &Config, update: u64) -> Batch {
    let mut rng = Pcg64::new(config.seed.into(), update.into());
    let rng = &mut rng;
    let side = (config.size * SCALE) as i64;
    let mut values = Vec::with_capacity(3 * STORED * STORED * config.batch);
    let (mut places, mut lights) = (Vec::new(), Vec::new());
    let mut masks: Vec<f32> = Vec::new();
    let (mut windows, mut in_hole) = (Vec::new(), Vec::new());
    let (mut softness, mut blurs) = (Vec::new(), Vec::new());
    for _ in 0..config.batch {
        append_picture(&mut values, faces.draw(rng), STORED, rng.random());
        let place = Placement::draw(&OF_FACE, rng).then(&Placement::middle());
        places.extend(place.rows());
        lights.extend(Light::draw(0.12, 0.04, 0.02, rng).values());
        let soft = rng.random::<f64>() < SOFT;
        softness.push(soft.then(|| SOFTEST + (1.0 - SOFTEST) * rng.random::<f64>()));
        let is_blurred = rng.random::<f64>() < config.blurred;
        let blur = BLUR[0] + (BLUR[1] - BLUR[0]) * rng.random::<f64>();
        let torn = TORN * rng.random::<f64>() * 2.0 / config.size as f64;
        let tears = |rng: &mut Pcg64| (blur, bending(torn, TEARS, config.size as i64, rng));
        blurs.push(is_blurred.then(|| tears(rng)));
        let hole: Mask = (config.mixture.draw(rng)).sample(config.size, config.size, rng);
        masks.extend(hole.view().iter());
        let pixel = a_pixel_of(&hole, rng).map(|v| v * SCALE as i64);
        let window = pixel.map(|v| window_about(v, config.window as i64, side));
        in_hole.extend([0, 1].map(|axis| pixel[axis] - window[axis]));
        windows.extend(window);
    }
    let stored = from_pixels(&values, config.batch, STORED).contiguous();
    let pictures = lit(&crops(&stored, &places, None, side), &lights);
    let pictures: Vec<Tensor> = (0..)
        .zip(&softness)
        .map(|(n, soft)| {
            let picture = pictures.narrow(0, n, 1);
            soft.map_or_else(
                || picture.shallow_clone(),
                |share| softened(&picture, share),
            )
        })
        .collect();
    let pictures = Tensor::cat(&pictures, 0);
    let small = config.size as i64;
    let shrunk = pictures.avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None);
    let blurred: Vec<Tensor> = (0..)
        .zip(&blurs)
        .map(|(n, blur)| {
            let picture = shrunk.narrow(0, n, 1);
            match blur {
                Some((share, tears)) => softened(&torn(&picture, tears), *share),
                None => picture,
            }
        })
        .collect();
    let is_blurred: Vec<f32> = (blurs.iter())
        .map(|blur| f32::from(u8::from(blur.is_some())))
        .collect();
    Batch {
        pictures: channels_last(&pictures),
        masks: channels_last(&Tensor::from_slice(&masks).view([-1, 3, small, small])),
        blurred: (
            channels_last(&Tensor::cat(&blurred, 0)),
            Tensor::from_slice(&is_blurred).view([-1, 1, 1, 1]),
        ),
        windows: Tensor::from_slice(&windows).view([-1, 2]),
        in_hole: Tensor::from_slice(&in_hole).view([-1, 2]),
    }
}

/// Where a window of `window` of `side` pixels about pixel `at` begins: on whole steps of the refiner.
fn window_about(at: i64, window: i64, side: i64) -> i64 {
    let step = STEP as i64;
    let first = (at - window / 2).clamp(0, (side - window).max(0));
    first / step * step
}

/// `picture` `[1, 3, S, S]` with the pixels moved by `tears` `[1, S, S, 2]`, in halves of the side.
fn torn(picture: &Tensor, tears: &Tensor) -> Tensor {
    let unmoved = Tensor::from_slice(&[1f32, 0.0, 0.0, 0.0, 1.0, 0.0]).view([1, 2, 3]);
    let grid = Tensor::affine_grid_generator(&unmoved, picture.size(), false) + tears;
    picture.grid_sampler(&grid, 0, 1, false)
}

/// `picture` `[1, 3, H, W]` as one of `share` of its size, enlarged.
fn softened(picture: &Tensor, share: f64) -> Tensor {
    let size = picture.size();
    let [height, width] = [size[2], size[3]];
    let small = [height, width].map(|v| ((v as f64 * share).round() as i64).max(1));
    picture
        .internal_upsample_bilinear2d_aa(small, false, None, None)
        .upsample_bicubic2d([height, width], false, None, None)
        .clamp(0.0, 1.0)
}

impl Batch {
    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            pictures: self.pictures.to_device(device),
            masks: self.masks.to_device(device),
            blurred: (
                self.blurred.0.to_device(device),
                self.blurred.1.to_device(device),
            ),
            windows: self.windows.shallow_clone(),
            in_hole: self.in_hole.shallow_clone(),
        }
    }

    /// The windows of `side` pixels of `pictures` `[N, C, 2 S, 2 S]`: `[N, C, side, side]`.
    pub fn windows_of(&self, pictures: &Tensor, side: i64) -> Tensor {
        let windows: Vec<Tensor> = (0..pictures.size()[0])
            .map(|n| {
                let [x, y] = [0, 1].map(|axis| self.windows.int64_value(&[n, axis]));
                (pictures.narrow(0, n, 1).narrow(2, y, side)).narrow(3, x, side)
            })
            .collect();
        channels_last(&Tensor::cat(&windows, 0))
    }
}

/// `masks` `[N, C, S, S]` at the size of the faces.
pub fn enlarged(masks: &Tensor) -> Tensor {
    let size = masks.size();
    let [height, width] = [size[2], size[3]].map(|v| v * SCALE as i64);
    masks
        .to_kind(Kind::Float)
        .upsample_nearest2d([height, width], None, None)
}
