//! Shows a camera's or a recording's picture with the faces in it completed, and lets keys change
//! what is completed while it plays.

mod camera;
mod key;

use std::path::PathBuf;

use anyhow::Result;
use camera::Camera;
use clap::Parser;

/// Completes the faces before a camera. Keys, in the window or with Enter in the terminal: o for
/// the next occlusion, - and + for the strength, m for the next model, q to end.
#[derive(Parser)]
struct Arguments {
    /// A camera such as /dev/video0, a video file, or "test" for a test picture.
    source: PathBuf,
    /// Another generator, exported by mde-train, for the key m to choose; may be given repeatedly.
    #[arg(long = "model")]
    models: Vec<PathBuf>,
    /// Where the faces are.
    #[arg(long, default_value = "faces")]
    region: String,
    /// Show nothing, only compute.
    #[arg(long)]
    headless: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    gst::init()?;
    let mut camera = Camera::new(&arguments.source, &arguments.region, arguments.headless)?;
    camera.offer_models(arguments.models);
    key::read_terminal(&camera.bus());
    let frames = camera.run()?;
    println!("{frames} frames");
    Ok(())
}
