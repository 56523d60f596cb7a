//! Batches of pictures with holes and views of the same faces, made ahead of the training thread.
//! A batch is a pure function of the seed and the update.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use mde_core::mask::Mask;
use mde_core::registration::{Detail, Displacement, Registrar};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_pcg::Pcg64;
use tch::{Device, Kind, Tensor};

use super::faces::{Origin, PICTURE, ViewFaces};
use super::placement::{Light, Placement, Spread, bending, crops, lit};
use crate::data::prefetched;
use crate::network::view_generator::Inputs;
use crate::tensors::{append_picture, channels_last, from_pixels};
use crate::training::mixture::Mixture;

/// Pictures of one update, `[N, C, S, S]` f32.
pub struct ViewBatch {
    /// What is to come out, `[N, 3, S, S]`.
    pub pictures: Tensor,
    /// What goes in.
    pub inputs: Inputs,
    /// A pixel of each picture's hole, or of the picture where nothing is missing: x and y, `[N, 2]`
    /// i64.
    pub in_hole: Tensor,
}

/// How batches are drawn.
#[derive(Clone)]
pub struct ViewBatchConfig {
    /// Pictures a batch.
    pub batch: usize,
    /// Side of the crops in pixels.
    pub size: usize,
    /// Seed of everything drawn.
    pub seed: u64,
    /// Tasks.
    pub mixture: Mixture,
    /// The share of pictures without a view.
    pub without_view: f64,
}

/// Batches kept ready.
const AHEAD: usize = 3;
/// Views of which a part is covered as well, among the others.
const COVERED_VIEWS: f64 = 0.3;
/// Cells of the grid by which a view is bent, in each direction.
const CELLS: i64 = 6;
/// How a face lies on its crop.
const OF_FACE: Spread = Spread {
    angle: 0.04,
    scale: 0.04,
    shift: 0.03,
    bend: 0.0,
};
/// How a view lies beside its face: by what the points err.
const OF_VIEW: Spread = Spread {
    angle: 0.02,
    scale: 0.02,
    shift: 0.015,
    bend: 0.0,
};
/// The same where the view is the picture itself: heads turn and mouths move.
const OF_BENT: Spread = Spread {
    angle: 0.05,
    scale: 0.035,
    shift: 0.035,
    bend: 0.03,
};

/// The batches from update `first` on, made by a thread of their own that ends with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(
    faces: Arc<ViewFaces>,
    config: ViewBatchConfig,
    first: u64,
) -> Result<Receiver<ViewBatch>> {
    prefetched(AHEAD, first, move |update| make(&faces, &config, update))
}

/// The batch of `update`.
pub fn make(faces: &ViewFaces, config: &ViewBatchConfig, update: u64) -> ViewBatch {
    let mut rng = Pcg64::new(config.seed.into(), update.into());
    let rng = &mut rng;
    let side = config.size as i64;
    let values = 3 * PICTURE * PICTURE * config.batch;
    let (mut pictures, mut views) = (Vec::with_capacity(values), Vec::with_capacity(values));
    let mut places = [Vec::new(), Vec::new()];
    let mut lights = [Vec::new(), Vec::new()];
    let mut bends = Vec::new();
    let mut masks = [Vec::new(), Vec::new()];
    let mut in_hole = Vec::new();
    for _ in 0..config.batch {
        let pair = faces.draw(rng);
        let mirrored = rng.random();
        append_picture(&mut pictures, pair.picture, PICTURE, mirrored);
        append_picture(&mut views, pair.view, PICTURE, mirrored);
        let spread = match pair.origin {
            Origin::Clip | Origin::Person => OF_VIEW,
            Origin::Bent => OF_BENT,
        };
        let crop = match pair.origin {
            Origin::Clip => Placement::middle(),
            Origin::Person | Origin::Bent => Placement::on_celeba(mirrored),
        };
        let place = Placement::draw(&OF_FACE, rng).then(&crop);
        places[0].extend(place.rows());
        places[1].extend(Placement::draw(&spread, rng).then(&place).rows());
        bends.push(bending(spread.bend, CELLS, side, rng));
        let light = Light::draw(0.12, 0.04, 0.02, rng);
        lights[0].extend(light.values());
        let other = match rng.random() {
            true => Light::draw(0.1, 0.05, 0.03, rng),
            false => Light::draw(0.02, 0.01, 0.005, rng),
        };
        lights[1].extend(light.then(&other).values());
        let mut draw = || {
            config
                .mixture
                .draw(rng)
                .sample(config.size, config.size, rng)
        };
        let (hole, cover) = (draw(), draw());
        extend(&mut masks[0], &hole);
        in_hole.extend(a_pixel_of(&hole, rng));
        let cover = match rng.random::<f64>() {
            v if v < config.without_view => Mask::missing(config.size, config.size),
            v if v < config.without_view + (1.0 - config.without_view) * COVERED_VIEWS => cover,
            _ => Mask::known(config.size, config.size),
        };
        extend(&mut masks[1], &cover);
    }
    let stored = |values: &[f32]| from_pixels(values, config.batch, PICTURE).contiguous();
    let pictures = lit(
        &crops(&stored(&pictures), &places[0], None, side),
        &lights[0],
    );
    let bend = Tensor::cat(&bends, 0);
    let views = lit(
        &crops(&stored(&views), &places[1], Some(&bend), side),
        &lights[1],
    );
    let [mask, cover] = masks.map(|m| Tensor::from_slice(&m).view([-1, 3, side, side]));
    // A view counts where all of its channels are known.
    let cover = cover.amin([1].as_slice(), true);
    let grid = registered(&pictures, &mask, &views, &cover);
    let there = |t: &Tensor| t.grid_sampler(&grid, 0, 0, false);
    let cover = there(&cover).ge(0.5).to_kind(Kind::Float);
    let views = there(&views);
    ViewBatch {
        inputs: Inputs {
            image: channels_last(&(&pictures * &mask)),
            mask: channels_last(&mask),
            view: channels_last(&(views * &cover)),
            view_mask: cover,
        },
        pictures: channels_last(&pictures),
        in_hole: Tensor::from_slice(&in_hole).view([-1, 2]),
    }
}

/// One of the pixels that miss a channel in `mask`, x and y, or any where there is none.
pub fn a_pixel_of(mask: &Mask, rng: &mut Pcg64) -> [i64; 2] {
    let (width, height) = (mask.width(), mask.height());
    let is_missing = |at: &usize| (0..3).any(|c| !mask.is_known(c, at % width, at / width));
    let missing: Vec<usize> = (0..width * height).filter(is_missing).collect();
    let at = match missing.choose(rng) {
        Some(at) => *at,
        None => rng.random_range(0..width * height),
    };
    [at % width, at / width].map(|v| v as i64)
}

/// Where the pixels of `pictures` under `mask`, `[N, 3, S, S]`, lie in `views`, of which `cover`,
/// `[N, 1, S, S]`, is known: as the element lays views on faces. A grid to sample by,
/// `[N, S, S, 2]`.
fn registered(pictures: &Tensor, mask: &Tensor, views: &Tensor, cover: &Tensor) -> Tensor {
    let (n, side) = (pictures.size()[0], pictures.size()[2] as usize);
    let values = |t: &Tensor| {
        let mut values = vec![0f32; t.numel()];
        t.contiguous().copy_data(&mut values, t.numel());
        values
    };
    let known = values(&mask.amin([1].as_slice(), true));
    let (pictures, views, cover) = (values(pictures), values(views), values(cover));
    let (pixels, size) = (side * side, (side, side));
    let mut registrar = Registrar::default();
    let mut grid = Vec::with_capacity(2 * pixels * n as usize);
    for i in 0..n as usize {
        let of_picture = 3 * i * pixels..3 * (i + 1) * pixels;
        let of_plane = i * pixels..(i + 1) * pixels;
        let cover = &cover[of_plane.clone()];
        let displacement = match cover.iter().any(|known| *known > 0.0) {
            true => {
                let view = Detail::new(size, &views[of_picture.clone()], cover);
                let (picture, known) = (&pictures[of_picture], &known[of_plane]);
                registrar.look(size, picture, known);
                registrar.register(&view, &Displacement::NONE).displacement
            }
            false => Displacement::NONE,
        };
        grid.extend((0..pixels).flat_map(|pixel| {
            let at = [pixel % side, pixel / side].map(|v| v as f32);
            let [right, down] = displacement.at(at);
            [at[0] + right, at[1] + down].map(|v| (2.0 * v + 1.0) / side as f32 - 1.0)
        }));
    }
    Tensor::from_slice(&grid).view([n, side as i64, side as i64, 2])
}

fn extend(values: &mut Vec<f32>, mask: &Mask) {
    values.extend(mask.view().iter());
}

impl ViewBatch {
    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            pictures: self.pictures.to_device(device),
            in_hole: self.in_hole.shallow_clone(),
            inputs: Inputs {
                image: self.inputs.image.to_device(device),
                mask: self.inputs.mask.to_device(device),
                view: self.inputs.view.to_device(device),
                view_mask: self.inputs.view_mask.to_device(device),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data::Split;
    use crate::views::faces::FaceData;

    /// Two pictures each of three persons.
    fn faces(folder: &std::path::Path) -> ViewFaces {
        let pictures = folder.join("train");
        fs::create_dir(&pictures).unwrap();
        let mut identities = String::new();
        for n in 0..6u8 {
            let shade = |x, y| Rgb([x as u8, y as u8, 40 * n]);
            let name = format!("{n}.png");
            let picture = RgbImage::from_fn(144, 144, shade);
            picture.save(pictures.join(&name)).unwrap();
            identities += &format!("{name} {}\n", n / 2);
        }
        fs::write(folder.join("identity_CelebA.txt"), identities).unwrap();
        let data = FaceData {
            data: folder.to_owned(),
            clips: None,
            cache: Some(folder.join("cache")),
        };
        data.open(Split::Train).unwrap()
    }

    fn is_same(a: &ViewBatch, b: &ViewBatch) -> bool {
        let tensors = |batch: &ViewBatch| {
            let inputs = &batch.inputs;
            [
                &batch.pictures,
                &inputs.image,
                &inputs.mask,
                &inputs.view,
                &inputs.view_mask,
            ]
            .map(Tensor::shallow_clone)
        };
        tensors(a) == tensors(b)
    }

    #[test]
    fn a_batch_is_a_pure_function_of_seed_and_update() {
        let folder = tempfile::TempDir::new().unwrap();
        let faces = faces(folder.path());
        let config = ViewBatchConfig {
            batch: 3,
            size: 32,
            seed: 1,
            mixture: "eyes~3,REC:0.3".parse().unwrap(),
            without_view: 0.3,
        };
        let third = make(&faces, &config, 3);
        assert!(is_same(&third, &make(&faces, &config, 3)));
        assert!(!is_same(&third, &make(&faces, &config, 4)));
        let other = ViewBatchConfig {
            seed: 2,
            ..config.clone()
        };
        assert!(!is_same(&third, &make(&faces, &other, 3)));
        // A stream that begins later goes on with the same ones.
        let batches = stream(Arc::new(faces), config, 2).unwrap();
        let _second = batches.recv().unwrap();
        assert!(is_same(&third, &batches.recv().unwrap()));
    }
}
