//! Colorimetry: the affine map between a frame's component bytes and RGB in `[0, 1]`.

use gst_video::{VideoColorMatrix, VideoColorRange, VideoInfo};

/// RGB values of one pixel, in `[0, 1]` unless they overshoot.
pub type Rgb = [f32; 3];

/// The maps of a video format and its colorimetry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    /// Rows R, G, B over the components' bytes less [`Self::offset`].
    to_rgb: [[f32; 3]; 3],
    /// Rows are the components' bytes, less [`Self::offset`], over R, G, B.
    from_rgb: [[f32; 3]; 3],
    offset: [f32; 3],
}

impl Colour {
    /// The map of a frame described by `info`.
    pub fn of(info: &VideoInfo) -> Self {
        let limited = info.colorimetry().range() == VideoColorRange::Range16_235;
        let (black, luma, chroma) = match limited {
            true => (16.0, 219.0, 224.0),
            false => (0.0, 255.0, 255.0),
        };
        if info.is_rgb() {
            return Self::diagonal(luma, black);
        }
        let (red, blue) = luma_weights(info);
        let green = 1.0 - red - blue;
        let (to_red, to_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
        if info.is_gray() {
            return Self {
                to_rgb: [[1.0 / luma, 0.0, 0.0]; 3],
                from_rgb: [[red * luma, green * luma, blue * luma], [0.0; 3], [0.0; 3]],
                offset: [black; 3],
            };
        }
        Self {
            to_rgb: [
                [1.0 / luma, 0.0, to_red / chroma],
                [
                    1.0 / luma,
                    -to_blue * blue / green / chroma,
                    -to_red * red / green / chroma,
                ],
                [1.0 / luma, to_blue / chroma, 0.0],
            ],
            from_rgb: [
                [red * luma, green * luma, blue * luma],
                [-red, -green, 1.0 - blue].map(|v| v / to_blue * chroma),
                [1.0 - red, -green, -blue].map(|v| v / to_red * chroma),
            ],
            offset: [black, 128.0, 128.0],
        }
    }

    fn diagonal(scale: f32, offset: f32) -> Self {
        let diagonal = |v: f32| [[v, 0.0, 0.0], [0.0, v, 0.0], [0.0, 0.0, v]];
        Self {
            to_rgb: diagonal(1.0 / scale),
            from_rgb: diagonal(scale),
            offset: [offset; 3],
        }
    }

    /// RGB of a pixel whose components have the byte values `bytes`, cut to `[0, 1]`.
    pub fn to_rgb(self, bytes: [f32; 3]) -> Rgb {
        let [a, b, c] = [
            bytes[0] - self.offset[0],
            bytes[1] - self.offset[1],
            bytes[2] - self.offset[2],
        ];
        self.to_rgb
            .map(|row| (row[0] * a + row[1] * b + row[2] * c).clamp(0.0, 1.0))
    }

    /// How component `index`'s byte is made of R, G and B: factors and an offset.
    pub fn byte_of(&self, index: usize) -> ([f32; 3], f32) {
        (self.from_rgb[index], self.offset[index])
    }
}

/// The parts of red and blue in luma. The unknown is treated as BT.601, GStreamer's own choice for
/// small pictures.
fn luma_weights(info: &VideoInfo) -> (f32, f32) {
    match info.colorimetry().matrix() {
        VideoColorMatrix::Bt709 => (0.2126, 0.0722),
        VideoColorMatrix::Bt2020 => (0.2627, 0.0593),
        VideoColorMatrix::Fcc => (0.30, 0.11),
        VideoColorMatrix::Smpte240m => (0.212, 0.087),
        _ => (0.299, 0.114),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst_video::{VideoColorimetry, VideoFormat};
    use std::str::FromStr;

    fn colour(format: VideoFormat, colorimetry: &str) -> Colour {
        gst::init().expect("GStreamer");
        let colorimetry = VideoColorimetry::from_str(colorimetry).expect("a colorimetry");
        let info = VideoInfo::builder(format, 16, 16).colorimetry(&colorimetry);
        Colour::of(&info.build().expect("a format"))
    }

    fn bytes(colour: &Colour, rgb: Rgb) -> [f32; 3] {
        std::array::from_fn(|i| {
            let (factors, offset) = colour.byte_of(i);
            let sum: f32 = factors.iter().zip(rgb).map(|(f, v)| f * v).sum();
            sum + offset
        })
    }

    #[test]
    fn known_colours() {
        let close = |found: [f32; 3], wanted: [f32; 3]| {
            let far = found.iter().zip(wanted).any(|(a, b)| (a - b).abs() > 0.6);
            assert!(!far, "{found:?} instead of {wanted:?}");
        };
        let bt601 = colour(VideoFormat::I420, "bt601");
        close(bytes(&bt601, [1.0, 0.0, 0.0]), [81.0, 90.0, 240.0]);
        close(bytes(&bt601, [1.0, 1.0, 1.0]), [235.0, 128.0, 128.0]);
        let bt709 = colour(VideoFormat::I420, "bt709");
        close(bytes(&bt709, [0.0, 0.0, 1.0]), [32.0, 240.0, 118.0]);
        let jpeg = colour(VideoFormat::I420, "1:4:0:0");
        close(bytes(&jpeg, [1.0, 1.0, 1.0]), [255.0, 128.0, 128.0]);
    }

    #[test]
    fn there_and_back() {
        for format in [VideoFormat::Rgb, VideoFormat::Nv12] {
            for colorimetry in ["bt601", "bt709", "bt2020", "smpte240m", "1:4:0:0", "sRGB"] {
                let colour = colour(format, colorimetry);
                let rgb = [0.2, 0.5, 0.9];
                for (a, b) in colour.to_rgb(bytes(&colour, rgb)).iter().zip(rgb) {
                    assert!((a - b).abs() < 1e-4, "{format} {colorimetry}");
                }
            }
        }
    }
}
