//! OpenCV's Telea, in a Python beside.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

use super::clips::Image;

/// Reads width and height as little-endian words of four bytes, an RGB picture and a mask, and writes
/// the filled picture, until nothing more comes.
const SCRIPT: &str = "
import sys, cv2, numpy
source, sink = sys.stdin.buffer, sys.stdout.buffer
while len(head := source.read(8)) == 8:
    width, height = numpy.frombuffer(head, '<u4')
    take = lambda *shape: numpy.frombuffer(source.read(int(numpy.prod(shape))), 'u1').reshape(shape)
    image, mask = take(height, width, 3), take(height, width)
    sink.write(cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA).tobytes())
    sink.flush()
";

/// A Python that fills holes.
pub struct Telea {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl Telea {
    /// In the Python that `MDE_CV` names; nothing where it names none.
    pub fn start() -> Result<Option<Self>> {
        let Some(python) = std::env::var_os("MDE_CV").filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let mut child = Command::new(&python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("MDE_CV={}", python.display()))?;
        let to = child.stdin.take().context("its input")?;
        let from = child.stdout.take().context("its output")?;
        Ok(Some(Self { child, to, from }))
    }

    /// `image` with what OpenCV fills in where it `is_hole`.
    pub fn fill(&mut self, image: &Image, is_hole: &[bool]) -> Result<Image> {
        for side in [image.width, image.height] {
            self.to.write_all(&(side as u32).to_le_bytes())?;
        }
        self.to.write_all(&image.pixels)?;
        let mask: Vec<u8> = is_hole.iter().map(|is| 255 * u8::from(*is)).collect();
        self.to.write_all(&mask)?;
        self.to.flush()?;
        let mut filled = image.clone();
        self.from.read_exact(&mut filled.pixels)?;
        Ok(filled)
    }
}

impl Drop for Telea {
    fn drop(&mut self) {
        // It has no more to do, and its input is about to be closed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
