//! Crops on their way through the generator.

use mde_core::mask::CHANNELS;

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

    /// The picture of a crop, `[3, H, W]`; after a completion its missing values are 0.
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

    /// `[N, 3, H, W]`.
    pub(super) fn shape(&self) -> [usize; 4] {
        [self.len(), CHANNELS, self.height, self.width]
    }

    /// All pictures, `[N, 3, H, W]`.
    pub(super) fn images(&self) -> &[f32] {
        &self.images
    }

    /// All masks, `[N, 3, H, W]`.
    pub(super) fn masks(&self) -> &[f32] {
        &self.masks
    }

    /// `I * M`: what the generator may see.
    pub(super) fn hide_missing(&mut self) {
        for (value, known) in self.images.iter_mut().zip(&self.masks) {
            *value *= known;
        }
    }

    pub(super) fn forget_completions(&mut self) {
        self.valid.fill(false);
    }

    /// Copies the generator's output, `[N, 3, H, W]`.
    pub(super) fn take_completions(&mut self, values: &[f32]) {
        self.completed.copy_from_slice(values);
        let crops = self.completed.chunks(self.width * self.height * CHANNELS);
        for (valid, crop) in self.valid.iter_mut().zip(crops) {
            // A sum of absolute values is finite only if each one is, and unlike a search it has
            // no branches.
            *valid = crop.iter().map(|v| v.abs()).sum::<f32>().is_finite();
        }
    }

    fn crop_len(&self) -> usize {
        CHANNELS * self.width * self.height
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let len = self.crop_len();
        index * len..(index + 1) * len
    }
}
