//! Light as numbers, as EXR files have it, made into a picture as screens show it (IEC 61966-2-1).

use image::{DynamicImage, ImageBuffer, Rgb, Rgba};

/// `picture` in 16 bits, and whether some of its light was brighter than white or darker than black,
/// which is lost.
pub fn to_screen(picture: DynamicImage) -> (DynamicImage, bool) {
    let mut is_cut = false;
    let mut sample = |light: f32| {
        is_cut |= !(0.0..=1.0).contains(&light);
        to_sample(encode(light.clamp(0.0, 1.0)))
    };
    let picture: DynamicImage = match picture {
        DynamicImage::ImageRgb32F(light) => {
            ImageBuffer::from_fn(light.width(), light.height(), |x, y| {
                Rgb(light.get_pixel(x, y).0.map(&mut sample))
            })
            .into()
        }
        DynamicImage::ImageRgba32F(light) => {
            ImageBuffer::from_fn(light.width(), light.height(), |x, y| {
                let [r, g, b, a] = light.get_pixel(x, y).0;
                Rgba([
                    sample(r),
                    sample(g),
                    sample(b),
                    to_sample(a.clamp(0.0, 1.0)),
                ])
            })
            .into()
        }
        other => other,
    };
    (picture, is_cut)
}

fn to_sample(share: f32) -> u16 {
    (share * f32::from(u16::MAX)).round() as u16
}

/// Of light from 0 to 1.
fn encode(light: f32) -> f32 {
    match light <= 0.003_130_8 {
        true => 12.92 * light,
        false => 1.055 * light.powf(1.0 / 2.4) - 0.055,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_becomes_samples() {
        let light = [0.0, 0.214_041, 1.0];
        let picture = ImageBuffer::from_pixel(1, 1, Rgb(light)).into();
        let (picture, is_cut) = to_screen(picture);
        let samples = picture.as_rgb16().expect("16 bits").as_raw().clone();
        // Half of the way to white, as people see it.
        assert!(samples[1].abs_diff(32768) < 10, "{samples:?}");
        assert_eq!((samples[0], samples[2], is_cut), (0, 65535, false));
        let bright = ImageBuffer::from_pixel(1, 1, Rgb([4.0, 0.5, 0.5])).into();
        assert!(to_screen(bright).1);
    }
}
