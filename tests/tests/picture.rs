//! `mdecomplete picture`: pictures of all common kinds, completed and otherwise as they were.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Rgba};
use mdecomplete_tests::{Said, Tool, case, has_runtime};
use tempfile::TempDir;

/// Runs `mdecomplete picture INPUT OUTPUT`, with `more` behind.
fn picture(input: &Path, output: &Path, more: &[&str]) -> Result<Said> {
    let mut arguments: Vec<&OsStr> = vec![OsStr::new("picture"), input.as_ref(), output.as_ref()];
    arguments.extend(more.iter().map(OsStr::new));
    Tool::program()?.run_with(&arguments)
}

/// As [`picture`], of the picture `input`, saved with the ending `from`, to a file with the ending
/// `to`.
fn completed(
    folder: &TempDir,
    (input, from): (&DynamicImage, &str),
    to: &str,
    more: &[&str],
) -> Result<DynamicImage> {
    let path = |name: &str, ending: &str| folder.path().join(format!("{name}.{ending}"));
    let (from, to) = (path("in", from), path("out", to));
    input.save(&from)?;
    let said = picture(&from, &to, &[more, &["--force"]].concat())?;
    ensure!(said.success, "{from:?} {to:?}: {said:?}");
    Ok(image::open(&to)?)
}

/// The demo's portrait: 512x512, RGB.
fn portrait() -> Result<DynamicImage> {
    Ok(image::open(case("p_rgb.png"))?)
}

/// Over the portrait's mouth.
fn is_mouth(x: u32, y: u32) -> bool {
    (200..248).contains(&x) && (136..154).contains(&y)
}

#[test]
fn erased_parts_are_completed_and_all_else_is_kept() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut erased = portrait()?.into_rgba8();
    // Here, and in a place where there is no face.
    let is_elsewhere = |x: u32, y: u32| x < 20 && y > 480;
    for (x, y, pixel) in erased.enumerate_pixels_mut() {
        if is_mouth(x, y) || is_elsewhere(x, y) {
            *pixel = Rgba([255, 0, 255, 0]);
        }
    }
    for name in ["png", "webp", "tif"] {
        let done = completed(&folder, (&erased.clone().into(), name), name, &[])?.into_rgba8();
        for (x, y, pixel) in done.enumerate_pixels() {
            let [red, green, blue, alpha] = pixel.0;
            if is_mouth(x, y) {
                let is_magenta = red > 200 && green < 60 && blue > 200;
                assert!(alpha == 255 && !is_magenta, "({x}, {y}) is {pixel:?}");
            } else if !is_elsewhere(x, y) {
                assert_eq!(pixel, erased.get_pixel(x, y), "{name} ({x}, {y})");
            }
        }
    }
    Ok(())
}

#[test]
fn all_kinds_of_pictures_keep_their_depth_and_colours() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let portrait = portrait()?;
    let kinds: [DynamicImage; 8] = [
        portrait.to_rgb8().into(),
        portrait.to_rgba8().into(),
        portrait.to_luma8().into(),
        portrait.to_luma_alpha8().into(),
        portrait.to_rgb16().into(),
        portrait.to_rgba16().into(),
        portrait.to_luma16().into(),
        portrait.to_luma_alpha16().into(),
    ];
    for kind in &kinds {
        let color = kind.color();
        for name in ["png", "tif"] {
            // One of 8 bits and one of 16 do for TIFF, which is written alike.
            let has_kind = name == "png" || matches!(color, ColorType::L8 | ColorType::Rgb16);
            if !has_kind {
                continue;
            }
            let done = completed(&folder, (kind, name), name, &["occlusion=mouth"])?;
            assert_eq!(done.color(), color, "{name}");
            let (before, after) = (kind.to_rgba16(), done.to_rgba16());
            let mut changed = 0;
            for (x, y, pixel) in after.enumerate_pixels() {
                let is_near = (150..300).contains(&x) && (100..200).contains(&y);
                let is_same = pixel == before.get_pixel(x, y);
                assert!(is_same || is_near, "{name} {color:?} ({x}, {y})");
                changed += usize::from(!is_same);
            }
            assert!(changed > 300, "{name} {color:?}: {changed} pixels");
        }
    }
    Ok(())
}

#[test]
fn jpeg_and_webp_go_in_and_out() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let portrait = portrait()?;
    for (from, to, format) in [
        ("jpg", "jpg", ImageFormat::Jpeg),
        ("webp", "jpeg", ImageFormat::Jpeg),
        ("jpg", "webp", ImageFormat::WebP),
        ("tiff", "png", ImageFormat::Png),
    ] {
        let input = (&portrait, from);
        let done = completed(&folder, input, to, &["occlusion=eyes"])?.into_rgb8();
        let file =
            ImageReader::open(folder.path().join(format!("out.{to}")))?.with_guessed_format()?;
        assert_eq!(file.format(), Some(format), "{to}");
        let before = portrait.to_rgb8();
        let mean = |is_within: &dyn Fn(u32, u32) -> bool| {
            let pixels = done
                .enumerate_pixels()
                .filter(|(x, y, _)| is_within(*x, *y));
            let (mut sum, mut count) = (0.0, 0.0);
            for (x, y, pixel) in pixels {
                for (a, b) in pixel.0.iter().zip(before.get_pixel(x, y).0) {
                    sum += f64::from(a.abs_diff(b));
                    count += 1.0;
                }
            }
            sum / count
        };
        let eyes = mean(&|x, y| (195..260).contains(&x) && (94..112).contains(&y));
        let far = mean(&|_, y| y > 300);
        assert!(far < 5.0 && eyes > 2.0 * far, "{from} {to}: {eyes} {far}");
    }
    Ok(())
}

#[test]
fn the_cases_come_out() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.png");
    for (input, color) in [
        ("p_rgb.png", ColorType::Rgb8),
        ("p_soft.png", ColorType::Rgba8),
    ] {
        let said = picture(&case(input), &output, &["--force"])?;
        assert!(said.success, "{said:?}");
        assert!(said.output.contains("completed 1 face"), "{said:?}");
        assert_eq!(image::open(&output)?.color(), color);
    }
    Ok(())
}

#[test]
fn a_turned_picture_is_completed_upright_and_stays_turned() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let upright = portrait()?;
    // Little-endian, one entry: the orientation, one 16-bit number; 6 is a quarter clockwise.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut stored = upright.clone();
    stored.apply_orientation(Orientation::Rotate270);
    let mut encoder = image::codecs::png::PngEncoder::new(fs::File::create(path("in.png"))?);
    encoder.set_exif_metadata(exif.clone())?;
    stored.write_with_encoder(encoder)?;

    for (name, is_turned) in [("out.png", true), ("out.webp", true), ("out.tif", false)] {
        let said = picture(&path("in.png"), &path(name), &["occlusion=mouth"])?;
        assert!(said.output.contains("completed 1 face"), "{name}: {said:?}");
        let mut decoder = ImageReader::open(path(name))?.into_decoder()?;
        if is_turned {
            assert_eq!(decoder.exif_metadata()?.as_ref(), Some(&exif), "{name}");
        }
        let turn = decoder.orientation()?;
        assert_eq!(turn == Orientation::Rotate90, is_turned, "{name}");
        let mut seen = DynamicImage::from_decoder(decoder)?;
        seen.apply_orientation(turn);
        let (before, after) = (upright.to_rgb8(), seen.to_rgb8());
        assert_eq!(before.dimensions(), after.dimensions(), "{name}");
        let changed = after
            .enumerate_pixels()
            .filter(|(x, y, pixel)| *pixel != before.get_pixel(*x, *y));
        let mut count = 0;
        for (x, y, _) in changed {
            let is_near = (150..300).contains(&x) && (100..200).contains(&y);
            assert!(is_near, "{name} ({x}, {y})");
            count += 1;
        }
        assert!(count > 300, "{name}: {count}");
    }
    Ok(())
}

#[test]
fn pictures_without_a_face_are_told_and_kept() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.png"), folder.path().join("out.png"));
    let plain = DynamicImage::from(image::RgbImage::from_pixel(
        64,
        48,
        image::Rgb([9, 99, 199]),
    ));
    plain.save(&input)?;
    let said = picture(&input, &output, &[])?;
    assert!(
        said.success && said.output.contains("nothing found"),
        "{said:?}"
    );
    assert_eq!(image::open(&output)?, plain);

    // Nor is a mask beside the face.
    let said = picture(
        &case("p_rgb.png"),
        &output,
        &[
            "--force",
            &format!("mask-file={}", case("m_exif3.png").display()),
        ],
    )?;
    assert!(said.success, "{said:?}");
    Ok(())
}

#[test]
fn what_cannot_be_completed_is_said_and_leaves_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let whole = fs::read(case("p_rgb.png"))?;
    fs::write(path("cut.png"), &whole[..whole.len() / 2])?;
    fs::write(path("text.png"), "no picture")?;
    let there = fs::read_dir(&folder)?.count();
    for (input, part) in [
        (case("trunc.jpg"), "truncated"),
        (path("cut.png"), "cut.png"),
        (path("text.png"), "no picture that can be read"),
        (path("absent.png"), "absent.png"),
        (case("t1.webm"), "t1.webm"),
    ] {
        let said = picture(&input, &path("out.png"), &[])?;
        assert_eq!(said.code, Some(3), "{input:?}: {said:?}");
        assert!(said.errors.contains(part), "{input:?}: {said:?}");
    }
    let said = picture(&case("p_rgb.png"), &case("p_rgb.png"), &["--force"])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    let said = picture(&case("p_rgb.png"), &path("cut.png"), &[])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    let said = picture(&case("p_rgb.png"), &path("out.gif"), &[])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert_eq!(fs::read_dir(&folder)?.count(), there);
    assert_eq!(fs::read(case("p_rgb.png"))?, whole);
    if has_runtime() {
        // Erased where there is no face, so that something stays transparent.
        let mut erased = portrait()?.into_rgba8();
        for (_, y, pixel) in erased.enumerate_pixels_mut() {
            if y > 480 {
                pixel.0[3] = 0;
            }
        }
        erased.save(path("erased.png"))?;
        let said = picture(
            &path("erased.png"),
            &path("out.jpg"),
            &["mask-from-alpha=false"],
        )?;
        assert!(
            said.code == Some(4) && said.errors.contains("transparency"),
            "{said:?}"
        );
    }
    Ok(())
}
