//! Reading and writing frames of any format, size and padding, through any transform: no panic, a
//! crop is a picture, and no bit outside the hole changes.

#![no_main]

#[path = "../../plugin/tests/common/case.rs"]
mod case;
#[path = "../../plugin/tests/common/samples.rs"]
mod samples;

use gstmdecomplete::frame::{Channels, SUPPORTED_FORMATS};
use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;

use case::Case;

const LARGEST_FRAME: u32 = 70;
const LARGEST_CROP: usize = 24;

fuzz_target!(|data: &[u8]| {
    if let Ok(case) = draw(&mut Unstructured::new(data)) {
        case.check();
    }
});

fn draw(u: &mut Unstructured<'_>) -> Result<Case> {
    let size = (side(u)?, side(u)?);
    let crop = (
        u.int_in_range(1..=LARGEST_CROP)?,
        u.int_in_range(1..=LARGEST_CROP)?,
    );
    let missing = (0..u.int_in_range(0..=3)?).map(|_| Ok((rect(u, crop)?, u.arbitrary()?)));
    Ok(Case {
        missing: missing.collect::<Result<_>>()?,
        format: *u.choose(SUPPORTED_FORMATS)?,
        size,
        interlaced: u.arbitrary()?,
        padding: u.arbitrary()?,
        crop,
        to_crop: Affine {
            linear: [[scale(u)?, scale(u)?], [scale(u)?, scale(u)?]],
            translation: [scale(u)?, scale(u)?],
        },
        feather: f32::from(u.arbitrary::<u8>()?) / 16.0,
        strength: u.arbitrary()?,
        channels: *u.choose(&[Channels::Rgb, Channels::Luma])?,
        pixels: match u.arbitrary()? {
            true => Some(rect(u, (size.0 as usize, size.1 as usize))?),
            false => None,
        },
        seed: u.arbitrary()?,
    })
}

fn side(u: &mut Unstructured<'_>) -> Result<u32> {
    u.int_in_range(1..=LARGEST_FRAME)
}

fn rect(u: &mut Unstructured<'_>, (width, height): (usize, usize)) -> Result<Rect> {
    let (x, y) = (u.int_in_range(0..=width - 1)?, u.int_in_range(0..=height - 1)?);
    let (right, down) = (u.int_in_range(x + 1..=width)?, u.int_in_range(y + 1..=height)?);
    Ok(Rect::new(x, y, right, down))
}

/// A coefficient as of a face, or any number whatever.
fn scale(u: &mut Unstructured<'_>) -> Result<f64> {
    match u.int_in_range(0..=3)? {
        0 => f64::arbitrary(u),
        1 => Ok(f64::from(u.arbitrary::<i8>()?)),
        _ => Ok(f64::from(u.arbitrary::<i16>()?) / 8192.0),
    }
}
