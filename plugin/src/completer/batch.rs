//! Crops on their way through the generator.

use mde_core::contract::{FLOW_CHANNELS, GRID_STEP, ValueRange, WEIGHT_CHANNELS};
use mde_core::mask::CHANNELS;

use super::copied::{Copied, CopiedMut, part_of};

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
    /// Where the generator is shown views.
    views: Option<Views>,
}

/// What a batch holds besides for generators that are shown views.
#[derive(Clone, Debug, Default)]
struct Views {
    /// `[3, H, W]` each.
    images: Vec<f32>,
    /// `[H, W]` each.
    masks: Vec<f32>,
    /// `[4, H/2, W/2]` each.
    flows: Vec<f32>,
    /// `[3, H/2, W/2]` each.
    weights: Vec<f32>,
}

/// A crop with its completion that may be changed.
#[derive(Debug)]
pub struct CompletedMut<'a> {
    /// The picture, `[3, H, W]`.
    pub image: &'a [f32],
    /// Its mask, `[3, H, W]`.
    pub mask: &'a [f32],
    /// How the completion was made, where the generator is shown views.
    pub copied: Option<Copied<'a>>,
    /// The completion, `[3, H, W]`.
    pub completed: &'a mut [f32],
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
            views: None,
        }
    }

    /// The same for a generator that is shown views.
    pub fn with_views(size: (usize, usize)) -> Self {
        Self {
            views: Some(Views::default()),
            ..Self::new(size)
        }
    }

    /// An empty batch for crops like its own.
    pub(super) fn empty_like(&self) -> Self {
        match self.has_views() {
            true => Self::with_views(self.size()),
            false => Self::new(self.size()),
        }
    }

    /// Whether it holds views.
    pub fn has_views(&self) -> bool {
        self.views.is_some()
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

    /// Makes it `crops` long. New crops are black with everything known and without a view;
    /// completions are dropped.
    pub fn resize(&mut self, crops: usize) {
        let values = crops * self.crop_len();
        self.images.resize(values, 0.0);
        self.masks.resize(values, 1.0);
        self.completed.resize(values, 0.0);
        self.valid.clear();
        self.valid.resize(crops, false);
        let (pixels, cells) = (self.pixels(), self.cells());
        if let Some(views) = &mut self.views {
            views.images.resize(values, 0.0);
            views.masks.resize(crops * pixels, 0.0);
            views.flows.resize(crops * FLOW_CHANNELS * cells, 0.0);
            views.weights.resize(crops * WEIGHT_CHANNELS * cells, 0.0);
        }
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

    /// The view for a crop and what of it is known, to be filled in, where the generator is shown
    /// views: RGB in `[0, 1]` with unknown values 0, `[3, H, W]`, and 1 where known, else 0,
    /// `[H, W]`. All unknown means that there is none.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn view_mut(&mut self, index: usize) -> Option<(&mut [f32], &mut [f32])> {
        let (range, pixels) = (self.range(index), self.pixels());
        let views = self.views.as_mut()?;
        let mask = &mut views.masks[index * pixels..(index + 1) * pixels];
        Some((&mut views.images[range], mask))
    }

    /// The view for a crop and what of it is known, as in [`Self::view_mut`].
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn view(&self, index: usize) -> Option<(&[f32], &[f32])> {
        let (range, pixels) = (self.range(index), self.pixels());
        let views = self.views.as_ref()?;
        let mask = &views.masks[index * pixels..(index + 1) * pixels];
        Some((&views.images[range], mask))
    }

    /// How the completion of a crop was made, where the generator is shown views and tells it;
    /// nothing where [`Self::completed`] gives nothing.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn copied(&self, index: usize) -> Option<Copied<'_>> {
        let views = self.views.as_ref().filter(|_| self.valid[index])?;
        Some(Copied {
            flow: part(&views.flows, index, FLOW_CHANNELS * self.cells()),
            weights: part(&views.weights, index, WEIGHT_CHANNELS * self.cells()),
        })
    }

    /// How the view of a crop was copied, to be changed with the completion; nothing where
    /// [`Self::copied`] gives nothing.
    ///
    /// # Panics
    /// If there is no crop `index`.
    pub fn copied_mut(&mut self, index: usize) -> Option<CopiedMut<'_>> {
        let (range, cells, size) = (self.range(index), self.cells(), self.size());
        let around = part_of(self.mask(index), size);
        let views = self.views.as_mut().filter(|_| self.valid[index])?;
        let flow = part_mut(&mut views.flows, index, FLOW_CHANNELS * cells);
        let weights = part(&views.weights, index, WEIGHT_CHANNELS * cells);
        Some(CopiedMut {
            size,
            part: around,
            completed: &mut self.completed[range],
            flow: &mut flow[..2 * cells],
            weights: &weights[cells..2 * cells],
        })
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
    pub fn completed_mut(&mut self, index: usize) -> Option<CompletedMut<'_>> {
        let range = self.range(index);
        let cells = self.cells();
        self.valid[index].then(|| CompletedMut {
            image: &self.images[range.clone()],
            mask: &self.masks[range.clone()],
            copied: (self.views.as_ref()).map(|views| Copied {
                flow: part(&views.flows, index, FLOW_CHANNELS * cells),
                weights: part(&views.weights, index, WEIGHT_CHANNELS * cells),
            }),
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

    /// Takes over how the generator made the completion of a crop: its flow, `[4, H/2, W/2]`, and
    /// its weights, `[3, H/2, W/2]`. Where one of them is no number the completion is no picture.
    ///
    /// # Panics
    /// If there is no crop `index`, or a slice has another length.
    pub fn take_copied(&mut self, index: usize, flow: &[f32], weights: &[f32]) {
        let cells = self.cells();
        if let Some(views) = &mut self.views {
            let sum: f32 = flow.iter().chain(weights).map(|v| v.abs()).sum();
            self.valid[index] &= sum.is_finite();
            part_mut(&mut views.flows, index, FLOW_CHANNELS * cells).copy_from_slice(flow);
            part_mut(&mut views.weights, index, WEIGHT_CHANNELS * cells).copy_from_slice(weights);
        }
    }

    /// Takes over what crop `from` of `other` is completed from.
    pub(super) fn copy_crop(&mut self, index: usize, other: &Self, from: usize) {
        let (image, mask) = self.crop_mut(index);
        image.copy_from_slice(other.image(from));
        mask.copy_from_slice(other.mask(from));
        if let Some((view, known)) = self.view_mut(index) {
            match other.view(from) {
                Some((image, mask)) => {
                    view.copy_from_slice(image);
                    known.copy_from_slice(mask);
                }
                None => known.fill(0.0),
            }
        }
    }

    /// Takes over the completions of as many crops of `other`, from `first` on.
    pub(super) fn copy_completions(&mut self, other: &Self, first: usize) {
        let crops = self.len();
        let from = first * self.crop_len()..(first + crops) * self.crop_len();
        self.completed.copy_from_slice(&other.completed[from]);
        self.valid
            .copy_from_slice(&other.valid[first..first + crops]);
        let cells = self.cells();
        if let (Some(own), Some(other)) = (&mut self.views, &other.views) {
            let range = |channels: usize| {
                let len = channels * cells;
                first * len..(first + crops) * len
            };
            let (flows, weights) = (range(FLOW_CHANNELS), range(WEIGHT_CHANNELS));
            own.flows.copy_from_slice(&other.flows[flows]);
            own.weights.copy_from_slice(&other.weights[weights]);
        }
    }

    fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// Of flow and weights.
    fn cells(&self) -> usize {
        (self.width / GRID_STEP) * (self.height / GRID_STEP)
    }

    fn crop_len(&self) -> usize {
        CHANNELS * self.width * self.height
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let len = self.crop_len();
        index * len..(index + 1) * len
    }
}

/// The part of a crop, where each has `len` values.
fn part(values: &[f32], index: usize, len: usize) -> &[f32] {
    &values[index * len..(index + 1) * len]
}

fn part_mut(values: &mut [f32], index: usize, len: usize) -> &mut [f32] {
    &mut values[index * len..(index + 1) * len]
}
