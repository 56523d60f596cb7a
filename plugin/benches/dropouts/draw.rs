//! Damage that is drawn over frames.

use rand::RngExt;
use rand::rngs::StdRng;

use super::clips::Image;

/// Pixels along each side of a codec's blocks.
const SIDE: usize = 16;
/// Frames after which a stream begins anew.
const BEGINS: usize = 25;
/// What decoders show where they have nothing.
const BLANKS: [[u8; 3]; 4] = [[128; 3], [0; 3], [0, 135, 0], [255, 0, 255]];

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Lines of one colour over each second frame, as a tape's drop-outs leave them.
    Lines,
    /// The same of noise.
    Noise,
    /// Rows of blocks that are of one colour until the stream begins anew.
    Blocks,
}

/// Draws over the frames of a clip, one after the other.
pub struct Drawer<'a> {
    kind: Kind,
    random: &'a mut StdRng,
    number: usize,
    /// First column and row of those blocks, and their colour.
    lost: Vec<(usize, usize, [u8; 3])>,
}

impl<'a> Drawer<'a> {
    pub fn new(kind: Kind, random: &'a mut StdRng) -> Self {
        Self {
            kind,
            random,
            number: 0,
            lost: Vec::new(),
        }
    }

    /// Draws over the next frame.
    pub fn draw(&mut self, image: &mut Image) {
        let is_turn = self.number % 2 == 1;
        match self.kind {
            Kind::Lines if is_turn => self.draw_lines(image, false),
            Kind::Noise if is_turn => self.draw_lines(image, true),
            Kind::Blocks => self.draw_blocks(image),
            _ => (),
        }
        self.number += 1;
    }

    fn draw_lines(&mut self, image: &mut Image, is_noise: bool) {
        let (width, height) = (image.width, image.height);
        let random = &mut self.random;
        for _ in 0..random.random_range(1..6) {
            let rows = random.random_range(1..=(height / 100).max(2));
            let length = random.random_range(width / 12..width);
            let x0 = random.random_range(0..=width - length);
            let y0 = random.random_range(0..height - rows);
            let colour = match random.random() {
                true => 255,
                false => random.random_range(0..30),
            };
            for y in y0..y0 + rows {
                for x in x0..x0 + length {
                    let value = if is_noise { random.random() } else { colour };
                    image.pixels[3 * (y * width + x)..][..3].fill(value);
                }
            }
        }
    }

    fn draw_blocks(&mut self, image: &mut Image) {
        let count = (image.width / SIDE, image.height / SIDE);
        let random = &mut self.random;
        if self.number.is_multiple_of(BEGINS) {
            self.lost.clear();
        } else if self.lost.len() < 3 && random.random_range(0..8) == 0 {
            let x = random.random_range(0..count.0);
            let y = random.random_range(0..count.1);
            self.lost.push((x, y, BLANKS[random.random_range(0..4)]));
        }
        for (x, y, colour) in &self.lost {
            for row in y * SIDE..(y + 1) * SIDE {
                let pixels = &mut image.pixels[3 * row * image.width..][..3 * image.width];
                for pixel in pixels[3 * x * SIDE..].chunks_exact_mut(3) {
                    pixel.copy_from_slice(colour);
                }
            }
        }
    }
}
