//! Boxes around faces.

use mde_core::alignment::{Affine, Point};

/// An upright box with edges in pixel coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub x0: f64,
    /// Upper edge.
    pub y0: f64,
    /// Right edge.
    pub x1: f64,
    /// Lower edge.
    pub y1: f64,
}

impl Bounds {
    /// Where detectors of CenterFace's kind (boxes from hairline to chin) put the box of a face
    /// that lies on the 96x96 crop's template: the mean over 400 aligned CelebA validation faces,
    /// 61 x 82 pixels around (48, 48).
    pub const TEMPLATE: Self = Self {
        x0: 17.5,
        y0: 7.0,
        x1: 78.5,
        y1: 89.0,
    };

    /// The box with the edges of a `width` x `height` picture's pixels.
    pub fn of_picture(width: usize, height: usize) -> Self {
        Self {
            x0: -0.5,
            y0: -0.5,
            x1: width as f64 - 0.5,
            y1: height as f64 - 0.5,
        }
    }

    /// The box of `width` x `height` around `centre`.
    pub(super) fn around([x, y]: Point, width: f64, height: f64) -> Self {
        Self {
            x0: x - width / 2.0,
            y0: y - height / 2.0,
            x1: x + width / 2.0,
            y1: y + height / 2.0,
        }
    }

    pub(super) fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    pub(super) fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    /// Whether `point` lies in the ellipse that the box holds, as a face does.
    pub fn ellipse_holds(&self, [x, y]: Point) -> bool {
        let along = |v: f64, low: f64, high: f64| (2.0 * v - low - high) / (high - low);
        along(x, self.x0, self.x1).hypot(along(y, self.y0, self.y1)) <= 1.0
    }

    /// The pixels that it holds of a picture of `size` = (width, height): left, top, width, height.
    pub fn pixels(&self, (width, height): (u32, u32)) -> (u32, u32, u32, u32) {
        // The bounds are edges; the casts cut what is beyond the picture.
        let pixel = |edge: f64, side: u32| ((edge + 0.5).round() as u32).min(side);
        let (x, y) = (pixel(self.x0, width), pixel(self.y0, height));
        let right = pixel(self.x1, width).saturating_sub(x);
        let down = pixel(self.y1, height).saturating_sub(y);
        (x, y, right, down)
    }

    /// In square pixels; 0 where the corners are the wrong way round.
    pub fn area(&self) -> f64 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// Intersection over union with `other`; 0 where both are empty.
    pub fn overlap(&self, other: &Self) -> f64 {
        let width = (self.x1.min(other.x1) - self.x0.max(other.x0)).max(0.0);
        let height = (self.y1.min(other.y1) - self.y0.max(other.y0)).max(0.0);
        let both = width * height;
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    pub(super) fn centre(&self) -> Point {
        [(self.x0 + self.x1) / 2.0, (self.y0 + self.y1) / 2.0]
    }

    pub(super) fn corners(&self) -> [Point; 4] {
        let Self { x0, y0, x1, y1 } = *self;
        [[x0, y0], [x1, y0], [x0, y1], [x1, y1]]
    }

    /// The smallest box around where `map` leads this one.
    pub fn mapped(&self, map: &Affine) -> Self {
        let corners = self.corners().map(|corner| map.apply(corner));
        let along = |axis: usize| corners.iter().map(move |corner| corner[axis]);
        Self {
            x0: along(0).fold(f64::INFINITY, f64::min),
            y0: along(1).fold(f64::INFINITY, f64::min),
            x1: along(0).fold(f64::NEG_INFINITY, f64::max),
            y1: along(1).fold(f64::NEG_INFINITY, f64::max),
        }
    }
}
