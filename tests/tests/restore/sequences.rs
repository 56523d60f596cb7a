//! Sequences of numbered pictures, in and out.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::{DynamicImage, ImageBuffer, Luma, Rgb};
use mdecomplete_tests::{case, has_runtime, recording};

use super::{EYES, QUICK, arguments, contents, program, records, restore, states};

/// Nothing to complete is in it; each differs from the others in all of its 16 bits.
fn noise(number: u32) -> ImageBuffer<Rgb<u16>, Vec<u16>> {
    ImageBuffer::from_fn(66, 50, |x, y| {
        let value = |n: u32| (n.wrapping_mul(40_503 + 2 * number) >> 3) as u16;
        Rgb([value(x + 66 * y), value(7 * x + y), value(x * y + 5)])
    })
}

/// A portrait with 16 bits, the lowest of which it did not have before.
fn portrait(number: u32) -> Result<ImageBuffer<Rgb<u16>, Vec<u16>>> {
    let mut picture = image::open(case("p_rgb.png"))?.to_rgb16();
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        pixel.0 = pixel.0.map(|v| v ^ ((x + y + number) % 251) as u16);
    }
    Ok(picture)
}

/// A DPX file of `picture` with 10 bits.
fn dpx(picture: &ImageBuffer<Rgb<u16>, Vec<u16>>) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    bytes[..4].copy_from_slice(b"SDPX");
    for (at, value) in [(4, 2048), (772, picture.width()), (776, picture.height())] {
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    // One element of RGB, 10 bits, filled.
    (bytes[771], bytes[800], bytes[803], bytes[805]) = (1, 50, 10, 1);
    for pixel in picture.pixels() {
        let [r, g, b] = pixel.0.map(|v| u32::from(v >> 6));
        bytes.extend((r << 22 | g << 12 | b << 2).to_be_bytes());
    }
    bytes
}

/// The pictures in `folder` by their names.
fn pictures(folder: &Path) -> Result<Vec<(String, DynamicImage)>> {
    let found = contents(folder)?;
    let picture = |name: &Path| -> Result<_> {
        let picture = image::open(folder.join(name))?;
        Ok((name.to_string_lossy().into_owned(), picture))
    };
    found.keys().map(|name| picture(name)).collect()
}

#[test]
fn pictures_keep_their_numbers_and_all_their_bits() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let shots = films.path().join("shots");
    fs::create_dir(&shots)?;
    // One is missing.
    let numbers = [7, 8, 10];
    for number in numbers {
        portrait(number)?.save(shots.join(format!("{number:05}.png")))?;
    }
    let out = films.path().join("out");
    let more = [&EYES[..], &["--codec", "png-sequence", "--report"]].concat();
    let said = restore(&[&shots], &out, &more)?;
    assert!(said.success, "{said:?}");
    assert!(said.errors.contains("00009.png first"), "{said:?}");
    let made = pictures(&out.join("shots"))?;
    let names: Vec<_> = made.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["00007.png", "00008.png", "00010.png"]);
    for (number, (name, after)) in numbers.into_iter().zip(&made) {
        let before = portrait(number)?;
        let after = after.as_rgb16().context("16 bits")?;
        let (width, height) = before.dimensions();
        assert_eq!(after.dimensions(), (width, height), "{name}");
        let pairs = before.pixels().zip(after.pixels());
        let changed = pairs.filter(|(before, after)| before != after).count();
        let all = (width * height) as usize;
        assert!(
            (1..all / 4).contains(&changed),
            "{name}: {changed} of {all}"
        );
        for x in [0, width - 1] {
            assert_eq!(before.get_pixel(x, 0), after.get_pixel(x, 0), "{name}");
        }
    }
    let last = records(&out)?.pop().context("a record")?;
    assert_eq!(last["output"], "shots/%05d.png");
    assert_eq!(last["figures"]["frames"], 3);
    let page = fs::read_to_string(out.join("report.html"))?;
    assert_eq!(page.matches("src=\"data:image/jpeg;base64,/9j/").count(), 8);

    let again = [&more[..], &["--resume"]].concat();
    let said = restore(&[&shots], &out, &again)?;
    assert!(said.output.contains("1 were so before"), "{said:?}");
    // Another content is another sequence; the whole folder is made anew.
    fs::remove_file(shots.join("00010.png"))?;
    let said = restore(&[&shots], &out, &again)?;
    assert!(said.success, "{said:?}");
    assert_eq!(pictures(&out.join("shots"))?.len(), 2);
    assert_eq!(
        states(&out, "shots/%05d.png")?.last().map(String::as_str),
        Some("done")
    );
    Ok(())
}

#[test]
fn pictures_become_a_recording_without_loss_and_pictures_again() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let path = |name: &str| films.path().join("in").join(name);
    for folder in ["eight", "grey", "ten", "light"] {
        fs::create_dir_all(path(folder))?;
    }
    for number in 1..=3 {
        let picture = noise(number);
        let deep = DynamicImage::from(picture.clone());
        deep.to_rgb8()
            .save(path(&format!("eight/a_{number}.png")))?;
        let grey: ImageBuffer<Luma<u16>, _> = deep.to_luma16();
        grey.save(path(&format!("grey/{number:03}.tif")))?;
        fs::write(path(&format!("ten/{number:03}.dpx")), dpx(&picture))?;
        deep.to_rgb32f()
            .save(path(&format!("light/{number:03}.exr")))?;
    }
    let movies = films.path().join("movies");
    let more = [&EYES[..], &["--frame-rate", "25"]].concat();
    let said = restore(&[&path("")], &movies, &more)?;
    assert!(said.success, "{said:?}");
    let made = contents(&movies)?;
    let names: Vec<_> = made.keys().filter_map(|name| name.to_str()).collect();
    let wanted = [
        "eight/a.mkv",
        "grey.mkv",
        "light.mkv",
        "manifest.jsonl",
        "ten.mkv",
    ];
    assert_eq!(names, wanted);
    let times = recording::frames(&movies.join("ten.mkv"))?.times();
    assert_eq!(times, [0, 40_000_000, 80_000_000]);

    let again = films.path().join("again");
    let more = [&EYES[..], &["--codec", "png-sequence"]].concat();
    let said = restore(&[&movies], &again, &more)?;
    assert!(said.success, "{said:?}");
    for number in 1..=3 {
        let read = |folder: &str| image::open(again.join(format!("{folder}/{number:05}.png")));
        let deep = DynamicImage::from(noise(number));
        assert!(
            read("eight/a")? == deep.to_rgb8().into(),
            "8 bits, {number}"
        );
        assert!(
            read("grey")?.to_luma16() == deep.to_luma16(),
            "grey, {number}"
        );
        let (ten, wanted) = (read("ten")?.to_rgb16(), deep.to_rgb16());
        let pairs = ten.as_raw().iter().zip(wanted.as_raw());
        let wrong = pairs
            .filter(|(after, before)| *after >> 6 != *before >> 6)
            .count();
        assert_eq!(wrong, 0, "10 bits, {number}");
        // Light is read by the same curve in both ways: half of it is bright.
        let light = read("light")?.to_rgb16();
        let darker = light.as_raw().iter().zip(wanted.as_raw());
        assert!(
            darker
                .clone()
                .all(|(after, before)| after.saturating_add(16) >= *before)
        );
    }
    Ok(())
}

#[test]
fn pictures_that_are_not_alike_are_told() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let path = |name: &str| films.path().join(name);
    noise(1).save(path("a1.png"))?;
    image::imageops::crop_imm(&noise(2), 0, 0, 40, 30)
        .to_image()
        .save(path("a2.png"))?;
    noise(1).save(path("b1.png"))?;
    fs::write(path("b2.png"), &fs::read(path("b1.png"))?[..500])?;
    let out = path("out");
    let more = [&EYES[..], &["--codec", "png-sequence"]].concat();
    let said = restore(&[films.path()], &out, &more)?;
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in [
        "a2.png: this picture is 40x30",
        "a1.png is 66x50",
        "b2.png: ",
    ] {
        assert!(said.errors.contains(part), "{part}: {said:?}");
    }
    let left = contents(&out)?;
    assert_eq!(left.len(), 1, "{:?}", left.keys());

    let named = films.path().join("c%03d.png");
    let said = restore(&[&named], &out, &[&more[..], &["--resume"]].concat())?;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.errors.contains("none of such a name"), "{said:?}");
    Ok(())
}

#[test]
fn a_killed_run_leaves_no_half_sequence() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let shots = films.path().join("shots");
    fs::create_dir(&shots)?;
    for number in 0..40 {
        let small = DynamicImage::from(portrait(number)?).thumbnail(320, 320);
        small.save(shots.join(format!("{number:04}.png")))?;
    }
    let more = [&QUICK[..], &["--codec", "png-sequence", "--resume"]].concat();
    let named = shots.join("%04d.png");
    let undisturbed = films.path().join("undisturbed");
    let said = restore(&[&named], &undisturbed, &more)?;
    ensure!(said.success, "{said:?}");
    let wanted = contents(&undisturbed.join("shots"))?;
    ensure!(wanted.len() == 40, "{}", wanted.len());

    let out = films.path().join("out");
    let json = [&more[..], &["--json"]].concat();
    let inputs = [named.as_path()];
    for kill in 0..3 {
        let mut running = program()?.start(&arguments(&inputs, &out, &json))?;
        running.read_lines(2 + kill)?;
        // It may have ended before.
        drop(running.signal_all("KILL"));
        running.end()?;
        assert!(!out.join("shots").exists() || contents(&out.join("shots"))? == wanted);
    }
    let said = restore(&[&named], &out, &more)?;
    assert!(said.success, "{said:?}");
    let mut made = contents(&out)?;
    made.remove(Path::new("manifest.jsonl"));
    assert!(
        made.keys().all(|name| name.starts_with("shots")),
        "{:?}",
        made.keys()
    );
    assert!(contents(&out.join("shots"))? == wanted, "other pictures");
    Ok(())
}
