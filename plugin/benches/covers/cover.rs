//! Drawn covers, on the template of 96 pixels.

use std::fmt;

use mde_core::alignment::Point;

/// What lies before a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// A block of one brown over nose and mouth.
    Block,
    /// A pleated mask.
    Mask,
    /// A microphone before the mouth.
    Microphone,
    /// Dark glasses.
    Sunglasses,
}

/// The colour in bytes.
type Colour = [f64; 3];

impl Cover {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Block, Self::Mask, Self::Microphone, Self::Sunglasses];

    /// Its colour at a place, where it is.
    pub fn at(self, [x, y]: Point) -> Option<[u8; 3]> {
        let colour: Option<Colour> = match self {
            Self::Block => ((24.0..72.0).contains(&x) && (50.0..82.0).contains(&y))
                .then_some([125.0, 85.0, 60.0]),
            Self::Mask => {
                let [u, v] = [(x - 48.0) / 29.0, (y - 56.0) / 35.0];
                let is_in = v > 0.06 * u * u && u.abs().powi(3) + v.abs().powi(3) < 1.0;
                let light = 1.0 - 0.3 * u * u + 0.06 * (0.9 * y).sin();
                is_in.then_some([150.0, 185.0, 210.0].map(|v| v * light))
            }
            Self::Microphone => {
                let [u, v] = [x - 55.0, y - 74.0];
                // The handle goes down to the right.
                let (along, across) = (0.5 * u + 0.87 * v, 0.87 * u - 0.5 * v);
                let is_head = u.hypot(v) < 10.0;
                let is_handle = along > 0.0 && across.abs() < 5.0;
                let light = 1.0 - 0.6 * (across / 10.0 - 0.2).powi(2);
                let grain = if is_head {
                    12.0 * ((2.1 * x).sin() * (2.1 * y).sin())
                } else {
                    0.0
                };
                (is_head || is_handle).then_some([62.0, 62.0, 68.0].map(|v| v * light + grain))
            }
            Self::Sunglasses => {
                let lens = |middle: f64| {
                    let [u, v] = [(x - middle) / 12.0, (y - 40.0) / 9.0];
                    u.powi(4) + v.powi(4) < 1.0
                };
                let is_bridge = (y - 35.0).abs() < 1.5 && (20.0..76.0).contains(&x);
                let light = 1.0 + 0.02 * (40.0 - y);
                (lens(34.5) || lens(61.5) || is_bridge)
                    .then_some([28.0, 26.0, 30.0].map(|v| v * light))
            }
        };
        colour.map(|colour| colour.map(|v| v.clamp(0.0, 255.0) as u8))
    }
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Block => "block",
            Self::Mask => "mask",
            Self::Microphone => "microphone",
            Self::Sunglasses => "sunglasses",
        })
    }
}
