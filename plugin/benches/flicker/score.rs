//! How still a completed clip is, and how close to the uncovered one.

use mde_core::CROP_SIZE;
use mde_core::occlusion::Rect;
use mde_core::quality::psnr;
use ndarray::ArrayView3;

use super::Clip;

/// The figures of one clip.
pub struct Score {
    /// In 255ths.
    pub flicker: f64,
    /// In 255ths.
    pub shake: f64,
    /// In dB.
    pub psnr: f64,
}

impl Score {
    /// Of `crops`, laid on the template as `clip` is. What changes is looked at within `part`.
    pub fn of(crops: &[Option<Vec<f32>>], clip: &Clip, part: Rect) -> Self {
        let (mut flicker, mut shake) = (Mean::default(), Mean::default());
        for k in 1..crops.len() {
            let Some([before, now]) = run(crops, clip, k - 1) else {
                continue;
            };
            flicker.add(part, |i| now[i] - before[i]);
            if let Some([.., after]) = run::<3>(crops, clip, k - 1) {
                shake.add(part, |i| now[i] - 0.5 * (before[i] + after[i]));
            }
        }
        let pairs = crops.iter().flatten().zip(clip.crops.iter().flatten());
        let mut quality = Mean::default();
        for (completed, original) in pairs {
            quality.sum += psnr(view(completed), view(original));
            quality.count += 1.0;
        }
        Self {
            flicker: 255.0 * flicker.value(),
            shake: 255.0 * shake.value(),
            psnr: quality.value(),
        }
    }
}

/// The crops of `N` frames from `first` on, if they show the same face throughout.
fn run<'a, const N: usize>(
    crops: &'a [Option<Vec<f32>>],
    clip: &Clip,
    first: usize,
) -> Option<[&'a [f32]; N]> {
    let range = first..first + N;
    let track = clip.places[first]?.track;
    let places = clip.places.get(range.clone())?;
    let is_one = (places.iter()).all(|place| place.is_some_and(|place| place.track == track));
    let mut run = [&[][..]; N];
    for (place, crop) in run.iter_mut().zip(crops.get(range)?) {
        *place = crop.as_deref()?;
    }
    is_one.then_some(run)
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    /// The absolute values of `change` over the values of a crop that lie in `part`.
    fn add(&mut self, part: Rect, change: impl Fn(usize) -> f32) {
        for plane in 0..3 {
            for y in part.y0..part.y1 {
                for x in part.x0..part.x1 {
                    let i = (plane * CROP_SIZE + y) * CROP_SIZE + x;
                    self.sum += f64::from(change(i).abs());
                    self.count += 1.0;
                }
            }
        }
    }

    fn value(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }
}

fn view(crop: &[f32]) -> ArrayView3<'_, f32> {
    ArrayView3::from_shape((3, CROP_SIZE, CROP_SIZE), crop).expect("a crop")
}
