//! Masks for single frames.

use std::fs;

use anyhow::{Context, Result, ensure};
use image::{DynamicImage, GrayImage, Luma};
use mdecomplete_tests::{case, has_runtime, recording};

use super::{archive, outputs, records, restore};

/// A mask of `size` that is white in a square at the left edge.
fn square(size: (u32, u32)) -> GrayImage {
    GrayImage::from_fn(size.0, size.1, |x, y| {
        Luma([if x < 40 && (40..80).contains(&y) {
            255
        } else {
            0
        }])
    })
}

#[test]
fn each_frame_has_the_mask_of_its_number() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[("x.webm", "t1.webm")])?;
    let path = |name: &str| films.path().join(name);
    let before = recording::frames(&path("x.webm"))?;
    let size = |name| {
        before
            .field::<i32>(name)
            .context("a size")
            .map(i32::unsigned_abs)
    };
    let size = (size("width")?, size("height")?);
    fs::create_dir(path("x.mask"))?;
    // Frames without one, and with an empty one, are left as they are.
    for number in [3, 4, 9] {
        square(size).save(path(&format!("x.mask/{number:05}.png")))?;
    }
    GrayImage::new(size.0, size.1).save(path("x.mask/00005.png"))?;
    square(size).save(path("x.mask/00099.png"))?;
    let out = path("out");
    let said = restore(&[films.path()], &out, &[])?;
    assert!(said.success, "{said:?}");
    assert!(
        said.errors
            .contains("1 of 5 masks are for frames that are not there, 00099"),
        "{said:?}"
    );
    assert!(!said.errors.contains("nowhere white"), "{said:?}");
    let after = recording::frames(&out.join("x.mkv"))?;
    let changed = |(before, after): (_, _)| before != after;
    let pairs = before.bytes().into_iter().zip(after.bytes());
    let changed: Vec<usize> = (1..)
        .zip(pairs.map(changed))
        .filter_map(|(n, is)| is.then_some(n))
        .collect();
    assert_eq!(changed, [3, 4, 9]);

    // Other masks make another recording.
    square(size).save(path("x.mask/00006.png"))?;
    let said = restore(&[films.path()], &out, &["--resume"])?;
    assert!(said.output.contains("1 clip restored"), "{said:?}");
    Ok(())
}

#[test]
fn pictures_have_masks_of_their_numbers() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let path = |name: &str| films.path().join(name);
    for folder in ["shots", "shots.mask"] {
        fs::create_dir(path(folder))?;
    }
    let picture = image::open(case("p_rgb.png"))?
        .thumbnail(320, 320)
        .to_rgb8();
    for number in 10..14 {
        picture.save(path(&format!("shots/{number:04}.png")))?;
    }
    square(picture.dimensions()).save(path("shots.mask/12.png"))?;
    let out = path("out");
    let said = restore(&[films.path()], &out, &["--codec", "png-sequence"])?;
    assert!(said.success, "{said:?}");
    for number in 10..14 {
        let after = image::open(out.join(format!("shots/{number:04}.png")))?;
        let is_same = after == DynamicImage::from(picture.clone());
        assert_eq!(is_same, number != 12, "{number}");
    }
    Ok(())
}

#[test]
fn masks_that_do_not_fit_are_told() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[
        ("a.mp4", "vfr.mp4"),
        ("b.mp4", "vfr.mp4"),
        ("c.mp4", "vfr.mp4"),
    ])?;
    let path = |name: &str| films.path().join(name);
    for clip in ["a", "b", "c"] {
        fs::create_dir(path(&format!("{clip}.mask")))?;
    }
    square((100, 90)).save(path("a.mask/00001.png"))?;
    fs::write(path("b.mask/first.png"), "")?;
    let frames = recording::frames(&path("c.mp4"))?;
    let size = |name| {
        frames
            .field::<i32>(name)
            .context("a size")
            .map(i32::unsigned_abs)
    };
    let (width, height) = (size("width")?, size("height")?);
    square((width, height)).save(path("c.mask/00002.png"))?;
    // Its header is whole, the rest is not.
    let whole = fs::read(path("c.mask/00002.png"))?;
    fs::write(path("c.mask/00002.png"), &whole[..whole.len() / 2])?;
    let out = path("out");
    let said = restore(&[films.path()], &out, &[])?;
    assert_eq!(said.code, Some(1), "{said:?}");
    let wrong_size = format!(
        "a.mask/00001.png: this mask is 100x90 pixels, but the frames are {width}x{height}"
    );
    for part in [
        wrong_size.as_str(),
        "b.mask: masks for single frames",
        "c.mask/00002.png: this mask cannot",
    ] {
        assert!(said.errors.contains(part), "{part}: {said:?}");
    }
    assert!(outputs(&out)?.is_empty());
    let records = records(&out)?;
    ensure!(
        records.iter().any(|record| record["state"] == "failed"),
        "{records:?}"
    );
    Ok(())
}
