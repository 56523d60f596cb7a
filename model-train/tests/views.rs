//! `mde-train views` as its users run it, at the `tiny` preset on made faces. libtorch lives in the
//! child processes alone: this one loads ONNX Runtime, and the two crash together at exit.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use common::{Values, celeba, dumped, onnx_runtime, refusal, stripes, succeeds, tensors};
use mde_core::contract::{self, Contract, Version};
use onnx_protobuf::ModelProto;
use ort::session::Session;
use ort::value::TensorRef;
use protobuf::Message;
use safetensors::SafeTensors;
use tempfile::TempDir;

const SIDE: usize = 32;
const CHECKPOINT: &str = "views.safetensors";

/// A scratch folder with faces in `celeba` and `clips`.
fn scratch() -> Result<TempDir> {
    let folder = TempDir::new()?;
    celeba(&folder.path().join("celeba"))?;
    for part in ["train", "val"] {
        for track in 0..2 {
            let track_folder = folder.path().join(format!("clips/{part}/{track}"));
            fs::create_dir_all(&track_folder)?;
            for frame in [3, 9, 30] {
                let name = format!("{frame:04}.png");
                stripes(track, frame, 144, 144).save(track_folder.join(name))?;
            }
        }
    }
    Ok(folder)
}

/// A short training with an opponent from the third update on, at a constant rate.
fn train<'a>(out: &'a str, updates: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["views", "train", "--data", "celeba", "--clips", "clips"];
    all.extend(["--out", out, "--updates", updates, "--preset", "tiny"]);
    all.extend(["--precision", "f32", "--power", "0", "--rate", "1e-2"]);
    all.extend(["--adversarial-from", "2", "--r1-every", "2"]);
    all.extend(more);
    all
}

#[test]
fn a_resumed_run_ends_where_the_unbroken_one_does_and_keeps_its_options() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let batch = ["--batch", "4"];
    succeeds(folder, &train("whole", "6", &batch))?;
    succeeds(folder, &train("halves", "3", &batch))?;
    let resumed = [&batch[..], &["--resume"]].concat();
    let error = refusal(folder, &train("halves", "6", &["--resume", "--batch", "5"]))?;
    assert!(error.contains("--batch was 4, is now 5"), "{error}");
    let other = [&resumed[..], &["--painted", "0.9"]].concat();
    let error = refusal(folder, &train("halves", "6", &other))?;
    assert!(error.contains("--painted was 0.4, is now 0.9"), "{error}");
    succeeds(folder, &train("halves", "6", &resumed))?;
    let end = |run: &str| tensors(&folder.join(run).join(CHECKPOINT));
    let (whole, halves) = (end("whole")?, end("halves")?);
    assert_eq!(whole.len(), halves.len());
    for (a, b) in whole.iter().zip(&halves) {
        assert!(a == b, "'{}' differs after resuming", a.0);
    }
    Ok(())
}

#[test]
fn a_run_begins_with_the_weights_of_an_exported_model() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("first", "4", &["--batch", "4"]))?;
    let export = |run: &str, out: &str| {
        let checkpoint = format!("{run}/{CHECKPOINT}");
        let command = ["views", "export", "--checkpoint", &checkpoint, "--out", out];
        succeeds(folder, &command)
    };
    export("first", "first.onnx")?;
    let from = ["--batch", "4", "--init-from", "first.onnx"];
    succeeds(folder, &train("second", "0", &from))?;
    // It completes without a view, at its size and at another one.
    for size in [&["--size", "48"][..], &[]] {
        let checkpoint = format!("first/{CHECKPOINT}");
        let command = ["eval", "--checkpoint", &checkpoint, "--data", "celeba"];
        let command = [
            &command[..],
            &["--count", "2", "--tasks", "eyes", "--json"],
            size,
        ]
        .concat();
        let scores: serde_json::Value = serde_json::from_str(&succeeds(folder, &command)?)?;
        let psnr = scores["tasks"]["eyes"]["psnr_composited"].as_f64();
        let psnr = psnr.with_context(|| scores.to_string())?;
        assert!((5.0..60.0).contains(&psnr), "{scores}");
    }
    // What was rounded to 16 bits is so again.
    export("second", "second.onnx")?;
    let model = |file: &str| -> Result<ModelProto> {
        Ok(ModelProto::parse_from_bytes(&fs::read(folder.join(file))?)?)
    };
    let (first, second) = (model("first.onnx")?, model("second.onnx")?);
    assert!(first.graph.initializer == second.graph.initializer);
    fs::write(
        folder.join("short.onnx"),
        &fs::read(folder.join("first.onnx"))?[..999],
    )?;
    let from = ["--batch", "4", "--init-from", "short.onnx"];
    let error = refusal(folder, &train("third", "1", &from))?;
    assert!(
        error.contains("cannot take the weights in 'short.onnx'"),
        "{error}"
    );
    Ok(())
}

/// Takes the record of options out of a checkpoint, which earlier ones were without.
fn without_record(path: &Path) -> Result<()> {
    let bytes = fs::read(path)?;
    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().as_ref().context("no metadata")?;
    let mut record: serde_json::Value = serde_json::from_str(&metadata["mde-train"])?;
    let fields = record.as_object_mut().context("no object")?;
    fields.remove("options").context("no options")?;
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort();
    assert_eq!(names, ["pictures", "seconds", "updates", "view_generator"]);
    let metadata = HashMap::from([("mde-train".to_owned(), record.to_string())]);
    let tensors = SafeTensors::deserialize(&bytes)?.tensors();
    fs::write(path, safetensors::serialize(tensors, Some(metadata))?)?;
    Ok(())
}

#[test]
fn a_checkpoint_without_a_record_of_options_goes_on_with_a_word() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("run", "1", &["--batch", "2"]))?;
    without_record(&folder.join("run").join(CHECKPOINT))?;
    let told = succeeds(folder, &train("run", "2", &["--batch", "3", "--resume"]))?;
    assert!(
        told.contains("does not record") && told.contains("--batch"),
        "{told}"
    );
    let error = refusal(folder, &train("run", "3", &["--batch", "2", "--resume"]))?;
    assert!(error.contains("--batch was 3, is now 2"), "{error}");
    Ok(())
}

/// What `session` makes of the inputs among `tensors`.
fn computed(
    session: &mut Session,
    tensors: &HashMap<String, Values>,
) -> Result<HashMap<&'static str, Values>> {
    let input = |name: &str| -> Result<_> {
        let t = &tensors[name];
        Ok(TensorRef::from_array_view((
            t.shape.clone(),
            &t.values[..],
        ))?)
    };
    let outputs = session.run(ort::inputs![
        contract::INPUT_IMAGE => input(contract::INPUT_IMAGE)?,
        contract::INPUT_MASK => input(contract::INPUT_MASK)?,
        contract::INPUT_VIEW => input(contract::INPUT_VIEW)?,
        contract::INPUT_VIEW_MASK => input(contract::INPUT_VIEW_MASK)?,
    ])?;
    [
        contract::OUTPUT,
        contract::OUTPUT_FLOW,
        contract::OUTPUT_WEIGHTS,
    ]
    .into_iter()
    .map(|name| {
        let (shape, values) = outputs[name].try_extract_tensor::<f32>()?;
        let shape = shape.iter().map(|&d| d as usize).collect();
        let values = values.to_vec();
        Ok((name, Values { shape, values }))
    })
    .collect()
}

#[test]
fn the_exported_graph_keeps_the_contract_and_computes_what_the_network_does() -> Result<()> {
    let Some(runtime) = onnx_runtime() else {
        println!("skipped: no ONNX Runtime in .deps/onnxruntime/lib; run `make setup`");
        return Ok(());
    };
    let folder = scratch()?;
    let folder = folder.path();
    // Long enough that flows, tints and weights are no longer those of the start.
    succeeds(
        folder,
        &train("run", "60", &["--batch", "4", "--ema", "0.5"]),
    )?;
    let checkpoint = "run/views.safetensors";
    let mut samples = vec!["views", "samples", "--checkpoint", checkpoint];
    samples.extend(["--data", "celeba", "--clips", "clips", "--count", "5"]);
    samples.extend(["--out", "samples.png", "--dump", "dump.safetensors"]);
    succeeds(folder, &samples)?;
    let mut export = vec!["views", "export", "--checkpoint", checkpoint];
    export.extend(["--out", "model.onnx"]);
    succeeds(folder, &export)?;

    let environment = ort::init_from(&runtime)?.build()?;
    let model = fs::read(folder.join("model.onnx"))?;
    let mut session = Session::builder(&environment)?.commit_from_memory(&model)?;
    let metadata = session.metadata()?;
    let found = Contract::from_metadata(|key| metadata.custom(key))?;
    drop(metadata);
    ensure!(
        found.version == Version::Two && found.width == SIDE,
        "{found:?}"
    );

    let mut tensors = dumped(&folder.join("dump.safetensors"))?;
    let outputs = computed(&mut session, &tensors)?;
    let half = SIDE / contract::GRID_STEP;
    let shapes = [
        (contract::OUTPUT, [5, 3, SIDE, SIDE]),
        (
            contract::OUTPUT_FLOW,
            [5, contract::FLOW_CHANNELS, half, half],
        ),
        (
            contract::OUTPUT_WEIGHTS,
            [5, contract::WEIGHT_CHANNELS, half, half],
        ),
    ];
    for (name, shape) in shapes {
        let (found, expected) = (&outputs[name], &tensors[name]);
        assert_eq!(found.shape, shape, "{name}");
        assert_eq!(expected.shape, shape, "{name}");
        let pairs = found.values.iter().zip(&expected.values);
        let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{name}: largest difference {largest:.1e}");
        assert!(largest < 2e-2, "{name} differs by {largest}");
    }
    let flows = &outputs[contract::OUTPUT_FLOW].values;
    let reach = 0.3 * SIDE as f32 / 2.0;
    assert!(
        flows.iter().all(|v| v.abs() <= reach),
        "a flow is out of reach"
    );
    assert!(flows.iter().any(|v| v.abs() > 1e-3), "nothing flows");
    let weights = &outputs[contract::OUTPUT_WEIGHTS].values;
    for of_sample in weights.chunks_exact(contract::WEIGHT_CHANNELS * half * half) {
        for place in 0..half * half {
            let sum: f32 = of_sample[place..].iter().step_by(half * half).sum();
            assert!((sum - 1.0).abs() < 1e-3, "weights sum to {sum}");
        }
    }

    // A view that is the picture itself, holes and all, and one that is known nowhere.
    let image = tensors[contract::INPUT_IMAGE].values.clone();
    let mask = tensors[contract::INPUT_MASK].values.clone();
    for shown in [true, false] {
        let of_sample = mask.chunks_exact(3 * SIDE * SIDE);
        let known = of_sample.flat_map(|m| m[..SIDE * SIDE].to_vec());
        let known: Vec<f32> = known.map(|v| if shown { v } else { 0.0 }).collect();
        let view = if shown {
            image.clone()
        } else {
            vec![0.0; image.len()]
        };
        tensors
            .get_mut(contract::INPUT_VIEW)
            .context("no view")?
            .values = view;
        tensors
            .get_mut(contract::INPUT_VIEW_MASK)
            .context("no mask")?
            .values = known;
        let outputs = computed(&mut session, &tensors)?;
        let completed = &outputs[contract::OUTPUT].values;
        assert!(completed.iter().all(|v| v.is_finite()), "shown: {shown}");
    }
    Ok(())
}
