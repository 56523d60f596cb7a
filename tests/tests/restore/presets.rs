//! Presets, each on a recording with the damage that it is for, coded as recordings are.

use std::path::Path;

use anyhow::{Result, ensure};
use image::{Rgb, RgbImage};
use mdecomplete_tests::{Tool, case, has_runtime};
use tempfile::TempDir;

use super::{contents, restore};

/// Where the face is in the frames: left, upper, right and lower edge.
const FACE: [u32; 4] = [201, 17, 392, 208];

/// Frames of a face that moves.
fn frames() -> Result<Vec<RgbImage>> {
    let folder = tempfile::tempdir()?;
    let said = Tool::new("gst-launch-1.0")?.run(&format!(
        "-q filesrc location={} ! decodebin ! videoconvert ! video/x-raw,format=RGB ! pngenc \
         ! multifilesink location={}",
        case("t1.webm").display(),
        folder.path().join("%05d.png").display()
    ))?;
    ensure!(said.success, "{said:?}");
    read(folder.path())
}

/// The pictures in `folder`, in order.
fn read(folder: &Path) -> Result<Vec<RgbImage>> {
    let names = contents(folder)?;
    let picture = |name: &Path| Ok(image::open(folder.join(name))?.to_rgb8());
    names.keys().map(|name| picture(name)).collect()
}

/// A folder with the recording `film.mkv` of `frames`, coded as H.264 of high quality.
fn film(frames: &[RgbImage]) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let pictures = tempfile::tempdir()?;
    for (n, frame) in frames.iter().enumerate() {
        frame.save(pictures.path().join(format!("{n:05}.png")))?;
    }
    let said = Tool::new("gst-launch-1.0")?.run(&format!(
        "-q multifilesrc location={} caps=image/png,framerate=30/1 ! pngdec ! videoconvert \
         ! x264enc pass=qual quantizer=16 ! h264parse ! matroskamux ! filesink location={}",
        pictures.path().join("%05d.png").display(),
        folder.path().join("film.mkv").display()
    ))?;
    ensure!(said.success, "{said:?}");
    Ok(folder)
}

/// The frames of the film in `folder` as they are, and restored by `preset`.
fn restored(folder: &Path, preset: &str) -> Result<(Vec<RgbImage>, Vec<RgbImage>)> {
    let both = ["--codec", "png-sequence"];
    let film = folder.join("film.mkv");
    // Nothing is missing in a channel that says so.
    let as_it_is = [&both[..], &["--set", "damaged-channels="]].concat();
    let said = restore(&[&film], &folder.join("before"), &as_it_is)?;
    ensure!(said.success, "{said:?}");
    let with = [&both[..], &["--preset", preset]].concat();
    let said = restore(&[&film], &folder.join("after"), &with)?;
    ensure!(said.success, "{said:?}");
    let pictures = |name: &str| read(&folder.join(name).join("film"));
    Ok((pictures("before")?, pictures("after")?))
}

/// The mean difference of `a` and `b` in `area`, of all channels or of one.
fn difference(
    a: &RgbImage,
    b: &RgbImage,
    [left, up, right, down]: [u32; 4],
    channels: &[usize],
) -> f64 {
    let pixels = (up..down).flat_map(|y| (left..right).map(move |x| (x, y)));
    let differences = pixels.flat_map(|(x, y)| {
        let (a, b) = (a.get_pixel(x, y), b.get_pixel(x, y));
        channels
            .iter()
            .map(|channel| f64::from(a[*channel].abs_diff(b[*channel])))
    });
    let (sum, count) = differences.fold((0.0, 0.0), |(sum, count), d| (sum + d, count + 1.0));
    sum / count
}

/// Covers `area` of `frame` with `colour`.
fn cover(frame: &mut RgbImage, [left, up, right, down]: [u32; 4], colour: [u8; 3]) {
    for (x, y, pixel) in frame.enumerate_pixels_mut() {
        if (left..right).contains(&x) && (up..down).contains(&y) {
            *pixel = Rgb(colour);
        }
    }
}

#[test]
fn a_dead_channel_comes_back() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let whole = frames()?;
    let mut damaged = whole.clone();
    for pixel in damaged.iter_mut().flat_map(|frame| frame.pixels_mut()) {
        pixel[0] = 0;
    }
    let folder = film(&damaged)?;
    let (before, after) = restored(folder.path(), "dead-channel")?;
    assert_eq!(after.len(), whole.len());
    // The first frames show what is wrong.
    for n in whole.len() / 2..whole.len() {
        let of = |frame: &RgbImage| difference(frame, &whole[n], FACE, &[0]);
        let (was, is) = (of(&before[n]), of(&after[n]));
        println!("{n}: red is off by {is:.1}, and was by {was:.1}");
        assert!(is < 0.5 * was, "{n}: {is} after {was}");
    }
    Ok(())
}

#[test]
fn drop_outs_are_filled_and_nothing_else_changes() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    const MAGENTA: [u8; 3] = [255, 0, 255];
    let eyes = [240, 80, 356, 108];
    let stripe = [0, 320, 640, 336];
    let whole = frames()?;
    let mut damaged = whole.clone();
    for frame in &mut damaged[10..16] {
        cover(frame, eyes, MAGENTA);
        cover(frame, stripe, MAGENTA);
    }
    let folder = film(&damaged)?;
    let (before, after) = restored(folder.path(), "drop-outs")?;
    for n in 0..whole.len() {
        if !(10..16).contains(&n) {
            assert!(before[n] == after[n], "{n} has changed");
            continue;
        }
        for area in [eyes, stripe] {
            let of = |frame: &RgbImage| difference(frame, &whole[n], area, &[0, 1, 2]);
            let (was, is) = (of(&before[n]), of(&after[n]));
            println!("{n}: {area:?} is off by {is:.1}, and was by {was:.1}");
            assert!(is < 0.3 * was, "{n} {area:?}: {is} after {was}");
        }
        let is_magenta = |pixel: &&Rgb<u8>| pixel[0] > 200 && pixel[1] < 60 && pixel[2] > 200;
        assert_eq!(after[n].pixels().filter(is_magenta).count(), 0, "{n}");
    }
    Ok(())
}

#[test]
fn a_film_is_mended_and_the_page_shows_where() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let whole = frames()?;
    let mut damaged = whole.clone();
    // Of single frames, each elsewhere.
    let spot = |n: usize| [60 + 7 * n as u32 % 90, 230, 74 + 7 * n as u32 % 90, 241];
    let dirty: Vec<usize> = (8..20).step_by(2).collect();
    for n in &dirty {
        cover(&mut damaged[*n], spot(*n), [250; 3]);
    }
    let folder = film(&damaged)?;
    let out = folder.path().join("out");
    let more = ["--preset", "film", "--codec", "png-sequence", "--report"];
    let said = restore(&[&folder.path().join("film.mkv")], &out, &more)?;
    ensure!(said.success, "{said:?}");
    assert!(said.errors.contains(": mended 6 spots of dirt"), "{said:?}");
    let mended = read(&out.join("film"))?;
    for n in dirty {
        let of = |frame: &RgbImage| difference(frame, &whole[n], spot(n), &[0, 1, 2]);
        let (was, is) = (of(&damaged[n]), of(&mended[n]));
        assert!(is < 0.1 * was, "{n}: {is} after {was}");
    }
    let page = std::fs::read_to_string(out.join("report.html"))?;
    for part in ["of 30 frames changed", "mended 6 spots of dirt", "<rect "] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("src=\"data:image/jpeg;base64,/9j/"), "{page}");
    Ok(())
}
