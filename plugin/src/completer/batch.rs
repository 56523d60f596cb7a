//! Crops on their way through the generator.

use mde_core::contract::ValueRange;
use mde_core::mask::CHANNELS;

use crate::completed_crop::CompletedCrop;

/// Crops of one size with their masks and, after [`complete`](super::Completer::complete), their
/// completions. Made once and reused: growing back to a number of crops that it held before does
/// not allocate.
#[derive(Clone, Debug)]
pub struct Batch {
    width: usize,
    height: usize,
    images: Vec<f32>,
    masks: Vec<f32>,
    completed: Vec<f32>,
    valid: Vec<bool>,
}

impl Batch {
    /// An empty batch for crops of `size` = (width, height) pixels.
    pub fn new((width, height): (usize, usize)) -> Self {
        Self {
            width,
            height,
            images: Vec::new(),
            masks: Vec::new(),
            completed: Vec::new(),
            valid: Vec::new(),
        }
    }

    /// Width and height of a crop in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Number of crops.
    pub fn len(&self) -> usize {
        self.images.len() / self.crop_len()
    }

    /// Whether there are no crops.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Makes it `crops` long. New crops are black with everything known; completions are dropped.
    pub fn resize(&mut self, crops: usize) {
        let values = crops * self.crop_len();
        self.images.resize(values, 0.0);
        self.masks.resize(values, 1.0);
        self.completed.resize(values, 0.0);
        self.valid.clear();
        self.valid.resize(crops, false);
    }

    /// The picture and the mask of a crop to be filled in: `[3, H, W]` each, RGB in `[0, 1]` and
    /// 1 where known, 0 where missing.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn crop_mut(&mut self, index: usize) -> (&mut [f32], &mut [f32]) {
        let range = self.range(index);
        (&mut self.images[range.clone()], &mut self.masks[range])
    }

    /// The picture of a crop, `[3, H, W]`.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn image(&self, index: usize) -> &[f32] {
        &self.images[self.range(index)]
    }

    /// The mask of a crop, `[3, H, W]`.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn mask(&self, index: usize) -> &[f32] {
        &self.masks[self.range(index)]
    }

    /// The generator's whole output for a crop, `[3, H, W]`; nothing before a completion, and
    /// nothing where the output held a NaN or an infinity.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn completed(&self, index: usize) -> Option<&[f32]> {
        self.valid[index].then(|| &self.completed[self.range(index)])
    }

    /// A crop with its completion, to be changed; nothing where [`Self::completed`] gives nothing.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn completed_crop_mut(&mut self, index: usize) -> Option<CompletedCrop<'_>> {
        let range = self.range(index);
        self.valid[index].then(|| CompletedCrop {
            size: (self.width, self.height),
            image: &self.images[range.clone()],
            mask: &self.masks[range.clone()],
            covered: None,
            completed: &mut self.completed[range],
        })
    }

    pub(super) fn forget_completions(&mut self) {
        self.valid.fill(false);
    }

    /// Takes over the generator's output for a crop, `[3, H, W]` with numbers in `range`.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn take_completion(&mut self, index: usize, output: &[f32], range: ValueRange) {
        let place = self.range(index);
        let completed = &mut self.completed[place];
        let (black, white) = range.black_and_white();
        for (value, output) in completed.iter_mut().zip(output) {
            *value = (output - black) / (white - black);
        }
        // A sum of absolute values is finite only if each one is, and unlike a search it has no
        // branches.
        self.valid[index] = completed.iter().map(|v| v.abs()).sum::<f32>().is_finite();
    }

    /// Takes over the completions of as many crops of `other`, from `first` on.
    pub(super) fn copy_completions(&mut self, other: &Self, first: usize) {
        let crops = self.len();
        let from = first * self.crop_len()..(first + crops) * self.crop_len();
        self.completed.copy_from_slice(&other.completed[from]);
        self.valid
            .copy_from_slice(&other.valid[first..first + crops]);
    }

    fn crop_len(&self) -> usize {
        CHANNELS * self.width * self.height
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let len = self.crop_len();
        index * len..(index + 1) * len
    }
}
