//! Others that fill holes: OpenCV in a Python beside, ffmpeg's filters, and this crate's plain fill.

use std::io::{Read, Write};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gst_video::VideoFrameRef;
use gstmdecomplete::frame::{Filler, PixelWeights};
use mde_core::occlusion::Rect;

use super::clips::Image;
use super::python::Python;

/// What they are called.
pub const NAMES: [&str; 6] = [
    "plain fill",
    "Telea",
    "Navier-Stokes",
    "removelogo",
    "delogo",
    "median",
];

/// Reads width and height as little-endian words of four bytes, an RGB picture and a mask, and writes
/// the picture as both methods fill it, until nothing more comes.
const SCRIPT: &str = "
import sys, cv2, numpy
source, sink = sys.stdin.buffer, sys.stdout.buffer
while len(head := source.read(8)) == 8:
    width, height = numpy.frombuffer(head, '<u4')
    take = lambda *shape: numpy.frombuffer(source.read(int(numpy.prod(shape))), 'u1').reshape(shape)
    image, mask = take(height, width, 3), take(height, width)
    for method in cv2.INPAINT_TELEA, cv2.INPAINT_NS:
        sink.write(cv2.inpaint(image, mask, 3, method).tobytes())
    sink.flush()
";

/// Pictures as each of them fills them; nothing where one is not there.
pub type Filled = [Option<Image>; NAMES.len()];

/// All of them that are there.
pub struct Peers {
    filler: Filler,
    opencv: Option<OpenCv>,
    has_ffmpeg: bool,
}

impl Peers {
    /// OpenCV of the Python that `MDE_CV` names, and an `ffmpeg` that can be called.
    pub fn start() -> Result<Self> {
        let ffmpeg = Command::new("ffmpeg").arg("-version").output();
        Ok(Self {
            filler: Filler::default(),
            opencv: OpenCv::start()?,
            has_ffmpeg: ffmpeg.is_ok_and(|output| output.status.success()),
        })
    }

    /// `image` as they fill it where it `is_hole`; all of that lies in `boxes`.
    pub fn fill(&mut self, image: &Image, is_hole: &[bool], boxes: &[Rect]) -> Result<Filled> {
        let mut filled: Filled = Default::default();
        filled[0] = Some(self.plain(image, is_hole)?);
        if let Some(opencv) = &mut self.opencv {
            let [telea, navier_stokes] = opencv.fill(image, is_hole)?;
            filled[1] = Some(telea);
            filled[2] = Some(navier_stokes);
        }
        if self.has_ffmpeg {
            let folder = Folder::new()?;
            let mask = folder.0.join("mask.pgm");
            let mut file = format!("P5 {} {} 255\n", image.width, image.height).into_bytes();
            file.extend(is_hole.iter().map(|is| 255 * u8::from(*is)));
            std::fs::write(&mask, file)?;
            let removelogo = format!("format=yuv420p,removelogo={}", mask.display());
            let delogo: String = boxes
                .iter()
                .filter_map(|area| delogo(image, *area))
                .collect();
            filled[3] = Some(folder.filtered(image, &removelogo)?);
            filled[4] = Some(folder.filtered(image, &format!("format=yuv444p{delogo}"))?);
            filled[5] = Some(folder.filtered(image, "format=gbrp,median=radius=3")?);
        }
        Ok(filled)
    }

    fn plain(&mut self, image: &Image, is_hole: &[bool]) -> Result<Image> {
        let weights: Vec<f32> = is_hole.iter().map(|is| f32::from(u8::from(*is))).collect();
        let (info, mut buffer) = image.frame()?;
        let pixels = PixelWeights {
            area: Rect::new(0, 0, image.width, image.height),
            weights: &weights,
        };
        let writable = buffer.get_mut().context("a buffer of one's own")?;
        let mut frame = VideoFrameRef::from_buffer_ref_writable(writable, &info)?;
        self.filler.fill(&mut frame, pixels, 1.0);
        drop(frame);
        Image::of(&buffer, &info)
    }
}

/// The filter that fills `area`, as far as it can: it needs a pixel of picture on each side.
fn delogo(image: &Image, area: Rect) -> Option<String> {
    let (x0, y0) = (area.x0.max(1), area.y0.max(1));
    let (x1, y1) = (area.x1.min(image.width - 1), area.y1.min(image.height - 1));
    let (width, height) = (x1.checked_sub(x0)?, y1.checked_sub(y0)?);
    (width > 0 && height > 0).then(|| format!(",delogo={x0}:{y0}:{width}:{height}"))
}

/// A folder that goes when it is dropped.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("mde-film-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// What ffmpeg's `filters` make of `image`.
    fn filtered(&self, image: &Image, filters: &str) -> Result<Image> {
        let picture = self.0.join("picture.rgb");
        std::fs::write(&picture, &image.pixels)?;
        let raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"];
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error"])
            .args(raw)
            .args(["-video_size", &format!("{}x{}", image.width, image.height)])
            .arg("-i")
            .arg(&picture)
            .args(["-vf", filters])
            .args(raw)
            .arg("-")
            .output()?;
        ensure!(
            output.stdout.len() == image.pixels.len(),
            "ffmpeg -vf {filters}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Image {
            pixels: output.stdout,
            ..*image
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A Python that fills holes.
struct OpenCv(Python);

impl OpenCv {
    /// In the Python that `MDE_CV` names; nothing where it names none.
    fn start() -> Result<Option<Self>> {
        Ok(Python::start("MDE_CV", SCRIPT)?.map(Self))
    }

    /// `image` with what Telea and Navier-Stokes fill in where it `is_hole`.
    fn fill(&mut self, image: &Image, is_hole: &[bool]) -> Result<[Image; 2]> {
        for side in [image.width, image.height] {
            self.0.to.write_all(&(side as u32).to_le_bytes())?;
        }
        self.0.to.write_all(&image.pixels)?;
        let mask: Vec<u8> = is_hole.iter().map(|is| 255 * u8::from(*is)).collect();
        self.0.to.write_all(&mask)?;
        self.0.to.flush()?;
        let mut filled = [image.clone(), image.clone()];
        for filled in &mut filled {
            self.0.from.read_exact(&mut filled.pixels)?;
        }
        Ok(filled)
    }
}

impl Drop for OpenCv {
    fn drop(&mut self) {
        // It has no more to do, and its input is about to be closed.
        let _ = self.0.child.kill();
        let _ = self.0.child.wait();
    }
}
