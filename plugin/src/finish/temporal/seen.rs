//! The known part of a crop, for comparing it with that of another frame.

/// Side in pixels at which crops are compared, about: motion of a face from one frame to the next
/// is then below two pixels.
const SIDE: usize = 96;

/// All channels are known.
pub const ALL: f32 = 7.0;

/// The known part of a crop, averaged over blocks of pixels where the crop is large.
#[derive(Debug)]
pub struct Seen {
    /// Side of a block, at least 1.
    pub block: usize,
    /// Width and height in blocks.
    pub size: (usize, usize),
    /// Mean of the channels, `[H, W]` in `[0, 1]`, missing ones counted as 0.
    pub values: Vec<f32>,
    /// `[H, W]`: the same number where the same channels are known, [`ALL`] where all are, 0 where
    /// none is.
    pub channels: Vec<f32>,
    rows: [Vec<f32>; 2],
}

impl Seen {
    /// Nothing, of a crop of (width, height) pixels.
    pub fn new((width, height): (usize, usize)) -> Self {
        let block = ((width.min(height) + SIDE / 2) / SIDE).max(1);
        let size = (width / block, height / block);
        Self {
            block,
            size,
            values: vec![0.0; size.0 * size.1],
            channels: vec![0.0; size.0 * size.1],
            rows: [vec![0.0; width], vec![0.0; width]],
        }
    }

    /// Takes the crop with picture `image` and `mask`, `[3, H, W]` each, the mask 1 where known.
    pub fn read(&mut self, image: &[f32], mask: &[f32]) {
        let Self { block, size, .. } = *self;
        let width = self.rows[0].len();
        let pixels = image.len() / 3;
        let share = 1.0 / (block * block) as f32;
        for row in 0..size.1 {
            let [values, channels] = self.rows.each_mut().map(|row| &mut row[..width]);
            values.fill(0.0);
            channels.fill(0.0);
            for start in (row * block..(row + 1) * block).map(|y| y * width) {
                let line = |all, channel| part(all, channel * pixels + start, width);
                let [red, green, blue] = [0, 1, 2].map(|channel| line(image, channel));
                let known = [0, 1, 2].map(|channel| line(mask, channel));
                for i in 0..width {
                    let [r, g, b] = known.map(|known| known[i]);
                    values[i] += (red[i] * r + green[i] * g + blue[i] * b) * (share / 3.0);
                    channels[i] += (r + 2.0 * g + 4.0 * b) * share;
                }
            }
            let line = row * size.0..(row + 1) * size.0;
            gather(values, block, &mut self.values[line.clone()]);
            gather(channels, block, &mut self.channels[line]);
        }
    }
}

/// Sums of `block` values each.
fn gather(values: &[f32], block: usize, sums: &mut [f32]) {
    if block == 1 {
        sums.copy_from_slice(values);
        return;
    }
    for (sum, values) in sums.iter_mut().zip(values.chunks(block)) {
        *sum = values.iter().sum();
    }
}

fn part(values: &[f32], start: usize, len: usize) -> &[f32] {
    &values[start..start + len]
}
