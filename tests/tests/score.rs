//! How well the embedded generator completes the demo portrait's face, through `gst-launch-1.0`.

use anyhow::{Context, Result};
use mde_core::contract::Contract;
use mde_core::occlusion::Occlusion;
use mdecomplete_tests::{Tool, face, has_runtime, source};
use onnx_protobuf::{Message, ModelProto};

/// What a completion must gain over a hole of the mean colour, in dB.
const GAIN: f64 = 3.0;

fn embedded_contract() -> Result<Contract> {
    let model = std::fs::read(source("plugin/models/face.onnx"))?;
    let model = ModelProto::parse_from_bytes(&model).context("the embedded model")?;
    let metadata = model.metadata_props;
    let lookup = |key: &str| Some(metadata.iter().find(|p| p.key == key)?.value.clone());
    Ok(Contract::from_metadata(lookup)?)
}

#[test]
fn the_completion_beats_the_mean_colour() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let training = embedded_contract()?.training;
    if training.starts_with("none") {
        eprintln!("skipped: the embedded model is not trained ({training})");
        return Ok(());
    }
    let original = face::portrait()?;
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.rgb"), folder.path().join("out.rgb"));
    for occlusion in Occlusion::ALL {
        let hole = occlusion.rect();
        let mean = face::mean_filled(&original, hole);
        let bytes = face::to_rgb_bytes(&mean);
        std::fs::write(&input, &bytes)?;
        let said = Tool::new("gst-launch-1.0")?.run(&format!(
            "filesrc location={} blocksize={} ! rawvideoparse format=rgb width=96 height=96 \
             ! mdecomplete region=full-frame occlusion={occlusion} mask-feather=0 \
             ! filesink location={}",
            input.display(),
            bytes.len(),
            output.display()
        ))?;
        assert!(said.success, "{said:?}");
        let completed = face::from_rgb_bytes(&std::fs::read(&output)?)?;
        let by_mean = face::psnr_within(&mean, &original, hole);
        let by_generator = face::psnr_within(&completed, &original, hole);
        println!("{occlusion:10}  mean colour {by_mean:5.2} dB  completed {by_generator:5.2} dB");
        assert!(
            by_generator >= by_mean + GAIN,
            "{occlusion}: {by_generator:.2} dB within the hole, {by_mean:.2} dB for the mean colour"
        );
    }
    Ok(())
}
