//! VapourSynth's filters that find damage for themselves, in a Python beside.

use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};

use super::clips::Image;
use super::python::Python;

/// What they are called.
pub const NAMES: [&str; 2] = ["DeScratch", "MVTools and median"];

/// Reads the number of frames, width and height as little-endian words of four bytes and grey frames,
/// and writes them as both filters leave them: DeScratch with dark and bright scratches of up to five
/// pixels, and the median of the frames before and after, motion-compensated, and the frame.
const SCRIPT: &str = "
import sys, numpy, vapoursynth as vs
core = vs.core
count, width, height = numpy.frombuffer(sys.stdin.buffer.read(12), '<u4').tolist()
frames = numpy.frombuffer(sys.stdin.buffer.read(count * width * height), 'u1')
frames = frames.reshape(count, height, width)
def fill(n, f):
    f = f.copy()
    numpy.copyto(numpy.asarray(f[0]), frames[n])
    return f
blank = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=count, keep=True)
clip = core.std.ModifyFrame(blank, blank, fill)
wide = clip.resize.Point(format=vs.YUV420P8)
scratch = wide
for odd in 3, 5:
    scratch = core.descratch.DeScratch(scratch, mindif=5, maxwidth=odd, minwidth=1, minlen=height // 4,
        maxlen=height, maxgap=height // 8, modey=3, modeu=0, modev=0)
above = core.mv.Super(clip)
sides = [core.mv.Compensate(clip, above, core.mv.Analyse(above, isb=back, blksize=16, overlap=8))
    for back in (True, False)]
median = core.std.Expr([clip] + sides, 'x y min x y max z min max')
for result in scratch, median:
    for frame in result.frames():
        sys.stdout.buffer.write(numpy.ascontiguousarray(frame[0]).tobytes())
";

/// `frames`, in grey, as each of them leaves them; nothing without a Python that `MDE_VS` names.
pub fn filtered(frames: &[Image]) -> Result<Option<[Vec<Image>; 2]>> {
    let Some(python) = Python::start("MDE_VS", SCRIPT)? else {
        return Ok(None);
    };
    let Python {
        mut child,
        mut to,
        mut from,
    } = python;
    let first = frames.first().context("frames")?;
    for number in [frames.len(), first.width, first.height] {
        to.write_all(&(number as u32).to_le_bytes())?;
    }
    // It reads all before it writes.
    for frame in frames {
        let grey: Vec<u8> = frame.pixels.iter().skip(1).step_by(3).copied().collect();
        to.write_all(&grey)?;
    }
    drop(to);
    let mut filtered = [const { Vec::new() }; 2];
    for filtered in &mut filtered {
        for frame in frames {
            let mut grey = vec![0; frame.width * frame.height];
            from.read_exact(&mut grey)?;
            filtered.push(Image {
                pixels: grey.iter().flat_map(|value| [*value; 3]).collect(),
                ..*frame
            });
        }
    }
    ensure!(child.wait()?.success(), "VapourSynth failed");
    Ok(Some(filtered))
}
