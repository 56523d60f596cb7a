//! OpenCV's inpainting, by a Python that has it: pictures go and come as PNG files.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use image::{Rgb, RgbImage};
use mde_core::mask::Mask;
use mde_core::quality::{psnr, ssim};
use ndarray::{Array3, s};

use crate::evaluation::Completion;
use crate::report::sheet;

/// Reads pictures.png, pictures of one size one below the other, and mask.png, white where they
/// are to be completed; writes telea.png and navier-stokes.png. OpenCV's own example takes the
/// radius 3.
const SCRIPT: &str = "
import cv2, numpy
pictures, mask = cv2.imread('pictures.png'), cv2.imread('mask.png', cv2.IMREAD_GRAYSCALE)
for name, how in (('telea', cv2.INPAINT_TELEA), ('navier-stokes', cv2.INPAINT_NS)):
    parts = numpy.split(pictures, len(pictures) // len(mask))
    done = numpy.concatenate([cv2.inpaint(p, mask, 3, how) for p in parts])
    if not cv2.imwrite(name + '.png', done):
        raise SystemExit('cannot write ' + name + '.png')
";

/// The two methods, in the order of [`inpaint`]'s results.
pub const METHODS: [&str; 2] = ["telea", "navier-stokes"];

/// Mean PSNR and SSIM over `completions` of what each of [`METHODS`] makes of their originals
/// under their masks, which are all the same and the same in all channels; `python` has OpenCV,
/// `folder` is for its files.
///
/// # Errors
/// Where it cannot be run, says what it said; where a file cannot be read or written.
pub fn inpaint(
    python: &Path,
    folder: &Path,
    completions: &[Completion],
) -> Result<[[f64; 2]; METHODS.len()]> {
    fs::create_dir_all(folder)?;
    let originals: Vec<RgbImage> = (completions.iter())
        .map(|c| sheet::picture(c.original.view()))
        .collect();
    let first = completions.first().context("no pictures to inpaint")?;
    stack(&originals)?.save(folder.join("pictures.png"))?;
    missing(&first.mask).save(folder.join("mask.png"))?;
    run(python, folder)?;
    let mut scores = [[0.0; 2]; METHODS.len()];
    for (method, scores) in METHODS.iter().zip(&mut scores) {
        let path = folder.join(format!("{method}.png"));
        let done = image::open(&path)
            .with_context(|| format!("cannot read '{}'", path.display()))?
            .into_rgb8();
        for (n, c) in completions.iter().enumerate() {
            let values = part(&done, n, first.mask.height());
            scores[0] += psnr(values.view(), c.original.view()) / completions.len() as f64;
            scores[1] += ssim(values.view(), c.original.view()) / completions.len() as f64;
        }
    }
    Ok(scores)
}

fn run(python: &Path, folder: &Path) -> Result<()> {
    let named = || format!("--opencv '{}'", python.display());
    let mut child = Command::new(python)
        .arg("-")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} cannot be run", named()))?;
    // One that ends at once closes its input; what it says tells more than that.
    let _ = (child.stdin.take()).map(|mut input| input.write_all(SCRIPT.as_bytes()));
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{} needs the Python package opencv-python-headless; it said:\n{}",
        named(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Pictures of one size one below the other.
fn stack(pictures: &[RgbImage]) -> Result<RgbImage> {
    let (width, height) = pictures.first().map_or((0, 0), RgbImage::dimensions);
    let bytes: Vec<u8> = pictures.iter().flat_map(|p| p.as_raw().clone()).collect();
    RgbImage::from_raw(width, height * pictures.len() as u32, bytes)
        .context("pictures of other sizes")
}

/// White where `mask` has nothing.
fn missing(mask: &Mask) -> RgbImage {
    RgbImage::from_fn(mask.width() as u32, mask.height() as u32, |x, y| {
        Rgb([if mask.is_known(0, x as usize, y as usize) {
            0
        } else {
            255
        }; 3])
    })
}

/// Picture `n` of height `height` in a stack, `[3, H, W]` in `[0, 1]`.
fn part(stack: &RgbImage, n: usize, height: usize) -> Array3<f32> {
    let width = stack.width() as usize;
    let mut values = Array3::zeros((3, height, width));
    for y in 0..height {
        for x in 0..width {
            let pixel = stack.get_pixel(x as u32, (n * height + y) as u32).0;
            let rgb = pixel.map(|v| f32::from(v) / 255.0);
            values.slice_mut(s![.., y, x]).assign(&ndarray::arr1(&rgb));
        }
    }
    values
}
