//! How a frame is to be seen: with which shape of its pixels, and which way up.

use gst_video::{VideoInfo, VideoOrientationMethod};
use mde_core::alignment::Affine;

/// The picture as it is displayed: of square pixels, the right way up. Faces are looked for here,
/// and "left" and "right" are this picture's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DisplaySpace {
    /// Width and height in square pixels; neither side has fewer than the frame's.
    pub size: [f64; 2],
    /// From here to the frame's pixels.
    pub to_frame: Affine,
    /// From the frame's pixels to here.
    pub from_frame: Affine,
}

impl DisplaySpace {
    /// Of frames described by `info`, which `orientation` puts upright.
    pub fn of(info: &VideoInfo, orientation: VideoOrientationMethod) -> Self {
        let (width, height) = (f64::from(info.width()), f64::from(info.height()));
        let (numerator, denominator) = (info.par().numer(), info.par().denom());
        let aspect = match numerator > 0 && denominator > 0 {
            true => f64::from(numerator) / f64::from(denominator),
            false => 1.0,
        };
        let stretch = [aspect.max(1.0), (1.0 / aspect).max(1.0)];
        Self::reached([width, height], stretch, linear(orientation))
    }

    /// Of frames of `size` = (width, height) square pixels, which `orientation` puts upright.
    pub fn of_square((width, height): (usize, usize), orientation: VideoOrientationMethod) -> Self {
        Self::reached([width as f64, height as f64], [1.0; 2], linear(orientation))
    }

    /// The same picture after `turn`.
    pub fn turned(&self, turn: Turn) -> Self {
        let turned = Self::reached(self.size, [1.0; 2], turn.linear());
        Self {
            size: turned.size,
            to_frame: turned.to_frame.then(&self.to_frame),
            from_frame: self.from_frame.then(&turned.from_frame),
        }
    }

    /// What a picture of `size` becomes whose axes are stretched, then swapped or turned round.
    fn reached(size: [f64; 2], stretch: [f64; 2], linear: [[f64; 2]; 2]) -> Self {
        let sides = [0, 1].map(|axis| size[axis] * stretch[axis]);
        let reached = linear.map(|row| row[0].abs() * sides[0] + row[1].abs() * sides[1]);
        // Between edges, which begin at 0 on both sides.
        let start = linear.map(|row| -(row[0].min(0.0) * sides[0] + row[1].min(0.0) * sides[1]));
        let linear = linear.map(|row| [row[0] * stretch[0], row[1] * stretch[1]]);
        // The centre of the first pixel is half a pixel from the edges.
        let translation =
            [0, 1].map(|axis| start[axis] + 0.5 * (linear[axis][0] + linear[axis][1]) - 0.5);
        let from_frame = Affine {
            linear,
            translation,
        };
        Self {
            size: reached,
            to_frame: from_frame.inverse().unwrap_or(Affine::IDENTITY),
            from_frame,
        }
    }
}

/// The axes of the upright picture in those of the frame: `x' = a x + b y`, `y' = c x + d y`.
fn linear(orientation: VideoOrientationMethod) -> [[f64; 2]; 2] {
    use VideoOrientationMethod as Method;
    match orientation {
        Method::_90r => Turn::Right.linear(),
        Method::_180 => Turn::Over.linear(),
        Method::_90l => Turn::Left.linear(),
        Method::Horiz => [[-1.0, 0.0], [0.0, 1.0]],
        Method::Vert => [[1.0, 0.0], [0.0, -1.0]],
        Method::UlLr => [[0.0, 1.0], [1.0, 0.0]],
        Method::UrLl => [[0.0, -1.0], [-1.0, 0.0]],
        _ => Turn::None.linear(),
    }
}

/// A turn of the picture by quarters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// As it is displayed.
    #[default]
    None,
    /// By 90 degrees clockwise.
    Right,
    /// By 90 degrees counter-clockwise.
    Left,
    /// By 180 degrees.
    Over,
}

impl Turn {
    /// All, in the order in which they are worth trying.
    pub const ALL: [Self; 4] = [Self::None, Self::Right, Self::Left, Self::Over];

    fn linear(self) -> [[f64; 2]; 2] {
        match self {
            Self::None => [[1.0, 0.0], [0.0, 1.0]],
            Self::Right => [[0.0, -1.0], [1.0, 0.0]],
            Self::Left => [[0.0, 1.0], [-1.0, 0.0]],
            Self::Over => [[-1.0, 0.0], [0.0, -1.0]],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst_video::VideoFormat;

    fn space(size: (u32, u32), par: (i32, i32), method: VideoOrientationMethod) -> DisplaySpace {
        gst::init().expect("GStreamer");
        let info = VideoInfo::builder(VideoFormat::Rgb, size.0, size.1)
            .par(gst::Fraction::new(par.0, par.1))
            .build()
            .expect("a format");
        DisplaySpace::of(&info, method)
    }

    #[test]
    fn a_plain_frame_is_displayed_as_it_is() {
        let plain = space((640, 480), (1, 1), VideoOrientationMethod::Identity);
        assert_eq!(plain.size, [640.0, 480.0]);
        assert_eq!(plain.from_frame, Affine::IDENTITY);
        assert_eq!(plain.to_frame.apply([3.0, 7.0]), [3.0, 7.0]);
    }

    #[test]
    fn wide_and_narrow_pixels_become_square_ones() {
        let wide = space((320, 480), (2, 1), VideoOrientationMethod::Identity);
        assert_eq!(wide.size, [640.0, 480.0]);
        assert_eq!(wide.from_frame.apply([-0.5, 10.0]), [-0.5, 10.0]);
        assert_eq!(wide.from_frame.apply([319.5, 479.5]), [639.5, 479.5]);
        let narrow = space((640, 240), (1, 2), VideoOrientationMethod::Identity);
        assert_eq!(narrow.size, [640.0, 480.0]);
        assert_eq!(narrow.from_frame.apply([639.5, 239.5]), [639.5, 479.5]);
    }

    #[test]
    fn every_orientation_leads_corner_to_corner_and_back() {
        use VideoOrientationMethod as Method;
        for (method, wanted) in [
            (Method::Identity, [0.0, 0.0]),
            (Method::_90r, [159.0, 0.0]),
            (Method::_180, [319.0, 159.0]),
            (Method::_90l, [0.0, 319.0]),
            (Method::Horiz, [319.0, 0.0]),
            (Method::Vert, [0.0, 159.0]),
            (Method::UlLr, [0.0, 0.0]),
            (Method::UrLl, [159.0, 319.0]),
        ] {
            let space = space((320, 160), (1, 1), method);
            assert_eq!(space.from_frame.apply([0.0, 0.0]), wanted, "{method:?}");
            let there = space.from_frame.apply([30.0, 100.0]);
            assert!((0.0..space.size[0]).contains(&there[0]), "{method:?}");
            assert!((0.0..space.size[1]).contains(&there[1]), "{method:?}");
            assert_eq!(space.to_frame.apply(there), [30.0, 100.0], "{method:?}");
        }
    }

    #[test]
    fn a_turn_comes_after_the_orientation() {
        let tagged = space((320, 160), (2, 1), VideoOrientationMethod::_90r);
        let turned = tagged.turned(Turn::Left);
        let plain = space((320, 160), (2, 1), VideoOrientationMethod::Identity);
        assert_eq!(turned.size, plain.size);
        assert_eq!(
            turned.from_frame.apply([5.0, 9.0]),
            plain.from_frame.apply([5.0, 9.0])
        );
    }
}
