//! Colorimetry: the affine map between the samples of a frame's components and RGB in `[0, 1]`.

use gst_video::{VideoColorMatrix, VideoColorRange, VideoInfo};

/// RGB values of one pixel, in `[0, 1]` unless they overshoot.
pub type Rgb = [f32; 3];

/// What of a frame the three channels of a crop stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// Red, green and blue.
    #[default]
    Rgb,
    /// Luma, all three: the frame's colours are damage.
    Luma,
}

/// The maps of a video format and its colorimetry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    /// Rows R, G, B over the components' samples less [`Self::offset`].
    to_rgb: [[f32; 3]; 3],
    /// Rows are the components' samples, less [`Self::offset`], over R, G, B.
    from_rgb: [[f32; 3]; 3],
    offset: [f32; 3],
    /// Luma in `[0, 1]` over the components' samples less [`Self::offset`].
    luma: [f32; 3],
    is_rgb: bool,
}

impl Colour {
    /// The map of a frame described by `info`.
    pub fn of(info: &VideoInfo) -> Self {
        let limited = info.colorimetry().range() == VideoColorRange::Range16_235;
        // Steps of an 8-bit sample, in those of this format.
        let step = (1u32 << (info.comp_depth(0) - 8)) as f32;
        let (black, luma, chroma) = match limited {
            true => (16.0 * step, 219.0 * step, 224.0 * step),
            false => (0.0, 256.0 * step - 1.0, 256.0 * step - 1.0),
        };
        let (red, blue) = luma_weights(info);
        let green = 1.0 - red - blue;
        if info.is_rgb() {
            let diagonal = |v: f32| [[v, 0.0, 0.0], [0.0, v, 0.0], [0.0, 0.0, v]];
            return Self {
                to_rgb: diagonal(1.0 / luma),
                from_rgb: diagonal(luma),
                offset: [black; 3],
                luma: [red, green, blue].map(|v| v / luma),
                is_rgb: true,
            };
        }
        let (to_red, to_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
        if info.is_gray() {
            return Self {
                to_rgb: [[1.0 / luma, 0.0, 0.0]; 3],
                from_rgb: [[red * luma, green * luma, blue * luma], [0.0; 3], [0.0; 3]],
                offset: [black; 3],
                luma: [1.0 / luma, 0.0, 0.0],
                is_rgb: false,
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
            offset: [black, 128.0 * step, 128.0 * step],
            luma: [1.0 / luma, 0.0, 0.0],
            is_rgb: false,
        }
    }

    /// Whether the components are red, green and blue.
    pub fn is_rgb(&self) -> bool {
        self.is_rgb
    }

    /// The same, reading as `channels` says.
    pub fn reading(self, channels: Channels) -> Self {
        match channels {
            Channels::Rgb => self,
            Channels::Luma => Self {
                to_rgb: [self.luma; 3],
                ..self
            },
        }
    }

    /// Whether component `index` tells anything of RGB.
    pub fn reads(&self, index: usize) -> bool {
        self.to_rgb.iter().any(|row| row[index] != 0.0)
    }

    /// RGB of a pixel whose components have the values `samples`; beyond `[0, 1]` where they
    /// overshoot.
    #[inline(always)]
    pub fn rgb(&self, samples: [f32; 3]) -> Rgb {
        self.to_rgb.map(|row| self.sum(row, samples))
    }

    /// How a channel of RGB is made of the components' samples: factors and an offset.
    pub fn channel(&self, channel: usize) -> ([f32; 3], f32) {
        let factors = self.to_rgb[channel];
        let black = |i: usize| factors[i] * self.offset[i];
        (factors, -(black(0) + black(1) + black(2)))
    }

    /// The values of all components of a pixel with the colour `rgb`.
    #[inline(always)]
    pub fn samples(&self, rgb: Rgb) -> [f32; 3] {
        [0, 1, 2].map(|i| {
            let [red, green, blue] = self.from_rgb[i];
            red * rgb[0] + green * rgb[1] + blue * rgb[2] + self.offset[i]
        })
    }

    /// By how much the components' values differ between colours that differ by `rgb`.
    #[inline(always)]
    pub fn change(&self, rgb: Rgb) -> [f32; 3] {
        self.from_rgb
            .map(|[red, green, blue]| red * rgb[0] + green * rgb[1] + blue * rgb[2])
    }

    #[inline(always)]
    fn sum(&self, factors: [f32; 3], samples: [f32; 3]) -> f32 {
        let term = |i: usize| factors[i] * (samples[i] - self.offset[i]);
        term(0) + term(1) + term(2)
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

    #[test]
    fn known_colours() {
        let close = |found: [f32; 3], wanted: [f32; 3]| {
            let far = found.iter().zip(wanted).any(|(a, b)| (a - b).abs() > 0.6);
            assert!(!far, "{found:?} instead of {wanted:?}");
        };
        let bt601 = colour(VideoFormat::I420, "bt601");
        close(bt601.samples([1.0, 0.0, 0.0]), [81.0, 90.0, 240.0]);
        close(bt601.samples([1.0, 1.0, 1.0]), [235.0, 128.0, 128.0]);
        let bt709 = colour(VideoFormat::I420, "bt709");
        close(bt709.samples([0.0, 0.0, 1.0]), [32.0, 240.0, 118.0]);
        let jpeg = colour(VideoFormat::I420, "1:4:0:0");
        close(jpeg.samples([1.0, 1.0, 1.0]), [255.0, 128.0, 128.0]);
        let deep = colour(VideoFormat::P01010le, "bt709");
        close(deep.samples([1.0, 1.0, 1.0]), [940.0, 512.0, 512.0]);
    }

    #[test]
    fn there_and_back() {
        for format in [VideoFormat::Rgb, VideoFormat::Nv12, VideoFormat::P01010le] {
            for colorimetry in ["bt601", "bt709", "bt2020", "smpte240m", "1:4:0:0", "sRGB"] {
                let colour = colour(format, colorimetry);
                let rgb = [0.2, 0.5, 0.9];
                for (a, b) in colour.rgb(colour.samples(rgb)).iter().zip(rgb) {
                    assert!((a - b).abs() < 1e-4, "{format} {colorimetry}");
                }
            }
        }
    }
}
