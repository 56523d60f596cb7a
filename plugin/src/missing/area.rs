//! Where in a frame a crop lies.

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;

/// The pixels of a `frame` = (width, height) around the crop of `size` = (width, height) that
/// `to_frame` maps into it, with a pixel more on each side, cut to the frame.
pub fn area_of_crop(to_frame: &Affine, size: (usize, usize), frame: (usize, usize)) -> Rect {
    area_of(to_frame, Rect::new(0, 0, size.0, size.1), frame)
}

/// The same of the pixels `part` of a crop.
pub fn area_of(to_frame: &Affine, part: Rect, frame: (usize, usize)) -> Rect {
    let [left, right] = [part.x0, part.x1].map(|x| x as f64 - 0.5);
    let [top, down] = [part.y0, part.y1].map(|y| y as f64 - 0.5);
    let corners = [[left, top], [right, top], [left, down], [right, down]];
    let corners = corners.map(|corner| to_frame.apply(corner));
    let range = |axis: usize, side: usize| {
        let along = corners.map(|corner| corner[axis]);
        let low = along.into_iter().fold(f64::INFINITY, f64::min);
        let high = along.into_iter().fold(f64::NEG_INFINITY, f64::max);
        // The casts cut what is negative or NaN.
        let end = ((high + 2.0).ceil() as usize).min(side);
        ((low - 1.0).floor() as usize).min(end)..end
    };
    let (xs, ys) = (range(0, frame.0), range(1, frame.1));
    Rect::new(xs.start, ys.start, xs.end, ys.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_crop_and_a_pixel_around() {
        let to_frame = Affine {
            linear: [[2.0, 0.0], [0.0, 1.0]],
            translation: [20.5, 30.0],
        };
        // 20.5 - 1 to 20.5 + 2 * 8 - 1, and 29.5 to 39.5: the pixels from 20 to 35 and 30 to 39.
        let area = area_of_crop(&to_frame, (8, 10), (200, 100));
        for (low, high, found) in [(20, 35, area.x0..area.x1), (30, 39, area.y0..area.y1)] {
            assert!((low - 3..low).contains(&found.start), "{area:?}");
            assert!((high + 2..high + 4).contains(&found.end), "{area:?}");
        }
        let cut = area_of_crop(&to_frame, (8, 10), (25, 34));
        assert_eq!((cut.x1, cut.y1), (25, 34));
    }

    #[test]
    fn a_crop_beyond_the_frame_has_none() {
        for place in [-1e6, 1e6, f64::NAN] {
            let to_frame = Affine {
                translation: [place; 2],
                ..Affine::IDENTITY
            };
            assert_eq!(area_of_crop(&to_frame, (8, 8), (100, 100)).area(), 0);
        }
    }
}
