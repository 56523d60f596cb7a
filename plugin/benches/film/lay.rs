//! Damage of film that is laid over frames.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use rand::RngExt;
use rand::rngs::StdRng;

use super::clips::{self, Image};

/// What was laid on a picture: of each piece its kind and the pixels that it covers.
pub type Laid = Vec<(String, Vec<usize>)>;

/// Pictures of damage of one kind that are read.
const MOST: usize = 40;
/// The share of frames that something is laid over.
const DIRTY: f64 = 0.7;
/// Most pieces of damage in a frame.
const PIECES: usize = 3;
/// Opacity of a piece, in 255ths, above which a pixel belongs to it.
const SEEN: u8 = 24;

/// How opaque a piece of damage is.
pub struct Piece {
    width: usize,
    height: usize,
    opacity: Vec<u8>,
}

/// Pieces of damage by their kind.
pub struct Pieces(Vec<(String, Vec<Piece>)>);

impl Pieces {
    /// Those in the folders in `folder`, each of which is named by a kind and holds pictures whose
    /// alpha is the damage.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut kinds = BTreeMap::<String, Vec<Piece>>::new();
        for file in clips::pictures(folder)? {
            let parent = file.parent().and_then(Path::file_name);
            let kind = parent.map(|name| name.to_string_lossy().into_owned());
            let pieces = kinds.entry(kind.unwrap_or_default()).or_default();
            if pieces.len() < MOST {
                let image = image::open(&file).with_context(|| file.display().to_string())?;
                let image = image.to_rgba8();
                pieces.push(Piece {
                    width: image.width() as usize,
                    height: image.height() as usize,
                    opacity: image.pixels().map(|pixel| pixel[3]).collect(),
                });
            }
        }
        anyhow::ensure!(!kinds.is_empty(), "no pictures in {}", folder.display());
        Ok(Self(kinds.into_iter().collect()))
    }

    /// Hairs and blots that are drawn by chance.
    pub fn drawn(random: &mut StdRng) -> Self {
        let mut draw = |paint: fn(&mut Piece, &mut StdRng)| {
            let piece = |_| {
                let mut piece = Piece {
                    width: 200,
                    height: 200,
                    opacity: vec![0; 200 * 200],
                };
                paint(&mut piece, random);
                piece
            };
            (0..MOST).map(piece).collect::<Vec<_>>()
        };
        Self(vec![
            ("drawn blots".into(), draw(Piece::add_blots)),
            ("drawn hairs".into(), draw(Piece::add_hair)),
        ])
    }

    /// Lays some of them over each of `frames` but the first and the last one.
    pub fn lay_over(&self, frames: &[Image], random: &mut StdRng) -> Vec<(Image, Laid)> {
        let damaged = frames.iter().enumerate().map(|(number, image)| {
            let mut image = image.clone();
            let laid = match (1..frames.len() - 1).contains(&number) {
                true => self.lay(&mut image, random),
                false => Vec::new(),
            };
            (image, laid)
        });
        damaged.collect()
    }

    /// Lays some of them over `image`, in white or black, and gives their kinds and pixels.
    fn lay(&self, image: &mut Image, random: &mut StdRng) -> Laid {
        if !random.random_bool(DIRTY) {
            return Vec::new();
        }
        let count = random.random_range(1..=PIECES);
        let laid = (0..count).map(|_| {
            let (kind, pieces) = &self.0[random.random_range(0..self.0.len())];
            let piece = &pieces[random.random_range(0..pieces.len())];
            (kind.clone(), piece.lay(image, random))
        });
        laid.collect()
    }

    /// The kinds.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(kind, _)| kind.as_str())
    }
}

impl Piece {
    /// Lays it somewhere over `image`, between a tenth and two fifths as high; gives the pixels.
    fn lay(&self, image: &mut Image, random: &mut StdRng) -> Vec<usize> {
        let height = image.height as f32 * random.random_range(0.1..0.4);
        let scale = self.height as f32 / height;
        let side = [self.width, self.height].map(|side| (side as f32 / scale) as usize);
        let x0 = random.random_range(0..image.width.saturating_sub(side[0]).max(1));
        let y0 = random.random_range(0..image.height.saturating_sub(side[1]).max(1));
        let (is_mirrored, is_turned) = (random.random_bool(0.5), random.random_bool(0.5));
        let tone: u8 = match random.random_bool(0.5) {
            true => random.random_range(215..=255),
            false => random.random_range(0..=40),
        };
        let strength = random.random_range(0.7..=1.0);
        let mut pixels = Vec::new();
        for y in 0..side[1].min(image.height - y0) {
            for x in 0..side[0].min(image.width - x0) {
                let [mut u, mut v] = [x, y].map(|at| at as f32 * scale);
                if is_mirrored {
                    u = self.width as f32 - 1.0 - u;
                }
                if is_turned {
                    v = self.height as f32 - 1.0 - v;
                }
                let opacity = self.mean(u, v, scale);
                if opacity > f32::from(SEEN) {
                    let at = (y0 + y) * image.width + x0 + x;
                    let share = strength * opacity / 255.0;
                    for value in &mut image.pixels[3 * at..][..3] {
                        let laid = f32::from(*value) * (1.0 - share) + f32::from(tone) * share;
                        *value = laid.round() as u8;
                    }
                    pixels.push(at);
                }
            }
        }
        pixels
    }

    /// The opacity of what is `side` pixels wide and high from `(u, v)` on.
    fn mean(&self, u: f32, v: f32, side: f32) -> f32 {
        let range = |at: f32, most: usize| {
            let first = (at.max(0.0) as usize).min(most - 1);
            first..(first + side.ceil() as usize).min(most)
        };
        let (mut sum, mut count) = (0.0, 0.0f32);
        for y in range(v, self.height) {
            for x in range(u, self.width) {
                sum += f32::from(self.opacity[y * self.width + x]);
                count += 1.0;
            }
        }
        sum / count.max(1.0)
    }

    fn add_blots(&mut self, random: &mut StdRng) {
        for _ in 0..random.random_range(1..6) {
            let centre = [(); 2].map(|()| random.random_range(30.0..170.0));
            let radii = [(); 2].map(|()| random.random_range(2.0..16.0));
            self.paint(centre, radii);
        }
    }

    fn add_hair(&mut self, random: &mut StdRng) {
        let mut at = [(); 2].map(|()| random.random_range(20.0..180.0f32));
        let mut angle: f32 = random.random_range(0.0..6.3);
        let mut turn = 0.0;
        let radius = random.random_range(1.2..2.6);
        for _ in 0..random.random_range(60..260) {
            self.paint(at, [radius; 2]);
            turn = 0.9 * turn + random.random_range(-0.03..0.03);
            angle += turn;
            at = [at[0] + angle.cos(), at[1] + angle.sin()];
        }
    }

    /// Paints an ellipse.
    fn paint(&mut self, [u, v]: [f32; 2], [right, down]: [f32; 2]) {
        for y in 0..self.height {
            for x in 0..self.width {
                let square = ((x as f32 - u) / right).powi(2) + ((y as f32 - v) / down).powi(2);
                let opacity = &mut self.opacity[y * self.width + x];
                *opacity = (*opacity).max(((1.6 - square) * 255.0).clamp(0.0, 255.0) as u8);
            }
        }
    }
}
