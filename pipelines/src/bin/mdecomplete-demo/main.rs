//! The two steps of `make demo` that `gst-launch-1.0` alone cannot do: a damaged clip of a
//! portrait, and a picture that shows a clip before and after completion.

mod clip;
mod sheet;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

#[derive(Parser)]
#[command(about)]
enum Command {
    /// Moves, turns and scales a portrait for five seconds, while a green bar comes over its eyes and
    /// goes again; prints the number of frames.
    Clip {
        /// The portrait: `astronaut.png` of scikit-image (the bar's place belongs to it).
        portrait: PathBuf,
        /// The clip to write, H.264 in MP4.
        clip: PathBuf,
    },
    /// Puts frames of one clip above the same frames of another.
    Sheet {
        /// The clip shown above.
        before: PathBuf,
        /// The clip shown below.
        after: PathBuf,
        /// The picture to write, PNG.
        sheet: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let command = Command::parse();
    gst::init().context("GStreamer does not start")?;
    match command {
        Command::Clip { portrait, clip } => {
            println!("{}", clip::make(&portrait, &clip)?);
            Ok(())
        }
        Command::Sheet {
            before,
            after,
            sheet,
        } => sheet::make(&before, &after, &sheet),
    }
}
