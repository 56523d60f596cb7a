//! Completes pictures that an application holds in memory, without files or a camera in the
//! pipeline.

mod completion;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use completion::Completion;

/// Completes the faces of a picture.
#[derive(Parser)]
struct Arguments {
    /// The picture to complete.
    input: PathBuf,
    /// The picture to write.
    output: PathBuf,
    /// Parts of each face that are missing.
    #[arg(long, default_value = "eyes")]
    occlusion: String,
    /// Where the faces are.
    #[arg(long, default_value = "faces")]
    region: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    gst::init()?;
    let picture = image::open(&arguments.input)
        .with_context(|| format!("'{}'", arguments.input.display()))?
        .into_rgb8();
    let settings = [
        ("occlusion", arguments.occlusion.as_str()),
        ("region", arguments.region.as_str()),
    ];
    let completion = Completion::start(picture.width(), picture.height(), &settings)?;
    completion
        .complete(&picture)?
        .save(&arguments.output)
        .with_context(|| format!("'{}'", arguments.output.display()))
}
