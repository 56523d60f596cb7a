//! The named face regions and their pixels on the aligned 96x96 crop.

use std::fmt;
use std::str::FromStr;

use crate::CROP_SIZE;

/// A half-open rectangle `[x0, x1) x [y0, y1)` in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// First column inside.
    pub x0: usize,
    /// First row inside.
    pub y0: usize,
    /// First column past the end.
    pub x1: usize,
    /// First row past the end.
    pub y1: usize,
}

impl Rect {
    /// A rectangle from its first inside and first outside corner.
    pub const fn new(x0: usize, y0: usize, x1: usize, y1: usize) -> Self {
        Self { x0, y0, x1, y1 }
    }

    /// Width in pixels.
    pub const fn width(&self) -> usize {
        self.x1 - self.x0
    }

    /// Height in pixels.
    pub const fn height(&self) -> usize {
        self.y1 - self.y0
    }

    /// Number of pixels inside.
    pub const fn area(&self) -> usize {
        self.width() * self.height()
    }

    /// Whether pixel `(x, y)` lies inside.
    pub const fn contains(&self, x: usize, y: usize) -> bool {
        self.x0 <= x && x < self.x1 && self.y0 <= y && y < self.y1
    }

    /// The same part of a `width` x `height` crop that `self` is of a [`CROP_SIZE`] square one,
    /// rounded to the nearest pixel.
    pub fn scaled_to(&self, width: usize, height: usize) -> Self {
        let scale = |v: usize, side: usize| (v * side + CROP_SIZE / 2) / CROP_SIZE;
        Self {
            x0: scale(self.x0, width),
            y0: scale(self.y0, height),
            x1: scale(self.x1, width),
            y1: scale(self.y1, height),
        }
    }

    /// The rectangle moved by `(dx, dy)` pixels and cut to a `width` x `height` picture.
    pub fn moved_within(&self, dx: isize, dy: isize, width: usize, height: usize) -> Self {
        let shift = |v: usize, d: isize, side: usize| v.saturating_add_signed(d).min(side);
        Self {
            x0: shift(self.x0, dx, width),
            y0: shift(self.y0, dy, height),
            x1: shift(self.x1, dx, width),
            y1: shift(self.y1, dy, height),
        }
    }
}

/// A targeted occlusion of the paper's Table 3. Left and right are the picture's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occlusion {
    /// The picture's right half.
    RightHalf,
    /// The picture's left half.
    LeftHalf,
    /// Both eyes.
    Eyes,
    /// The eye on the picture's right.
    RightEye,
    /// The eye on the picture's left.
    LeftEye,
    /// The mouth.
    Mouth,
}

impl Occlusion {
    /// All six, in the order of Table 3.
    pub const ALL: [Self; 6] = [
        Self::RightHalf,
        Self::LeftHalf,
        Self::Eyes,
        Self::RightEye,
        Self::LeftEye,
        Self::Mouth,
    ];

    /// The name used on command lines, in properties and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RightHalf => "right-half",
            Self::LeftHalf => "left-half",
            Self::Eyes => "eyes",
            Self::RightEye => "right-eye",
            Self::LeftEye => "left-eye",
            Self::Mouth => "mouth",
        }
    }

    /// The missing pixels on the [`CROP_SIZE`] square crop.
    pub const fn rect(self) -> Rect {
        match self {
            Self::RightHalf => Rect::new(48, 0, 96, 96),
            Self::LeftHalf => Rect::new(0, 0, 48, 96),
            Self::Eyes => Rect::new(20, 28, 76, 50),
            Self::RightEye => Rect::new(48, 28, 76, 50),
            Self::LeftEye => Rect::new(20, 28, 48, 50),
            Self::Mouth => Rect::new(26, 58, 70, 82),
        }
    }
}

impl fmt::Display for Occlusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is not one of the six occlusions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown occlusion '{0}': expected right-half, left-half, eyes, right-eye, left-eye or mouth"
)]
pub struct UnknownOcclusion(String);

impl FromStr for Occlusion {
    type Err = UnknownOcclusion;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|o| o.name() == name)
            .ok_or_else(|| UnknownOcclusion(name.to_owned()))
    }
}
