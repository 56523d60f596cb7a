//! Mask pictures of any bytes: an error, or a mask that scales to any frame and is carried into a
//! crop without a panic.

#![no_main]

use gstmdecomplete::missing::{area_of_crop, carry, decode};
use image::ImageFormat;
use libfuzzer_sys::fuzz_target;
use mde_core::alignment::Affine;

const FRAME: (usize, usize) = (61, 47);
const CROP: (usize, usize) = (24, 24);

fuzz_target!(|data: &[u8]| {
    let [hint, bytes @ ..] = data else { return };
    // With and without a file name that tells the format.
    let formats = ImageFormat::all().filter(ImageFormat::reading_enabled);
    let hint = formats.map(Some).chain([None]).nth(usize::from(*hint) % 16);
    let Ok(mask) = decode(bytes, hint.flatten()) else {
        return;
    };
    let mask = mask.scaled_to(FRAME.0, FRAME.1);
    assert_eq!(mask.size(), FRAME);
    let to_frame = Affine {
        linear: [[1.5, -0.4], [0.4, 1.5]],
        translation: [10.0, -6.0],
    };
    let to_crop = to_frame.inverse().expect("a similarity");
    let area = area_of_crop(&to_frame, CROP, FRAME);
    let mut crop = [1.0; 3 * CROP.0 * CROP.1];
    carry(&mask, area, &to_crop, [1.0, 1.0], CROP, &mut crop);
    assert!(mask.bounds_in(area).is_some() || crop.iter().all(|v| *v == 1.0));
});
