//! `mde-train refine` as its users run it, on made faces and the embedded generator. libtorch lives in
//! the child processes alone: this one loads ONNX Runtime, and the two crash together at exit.

mod common;

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use common::{dumped, onnx_runtime, refusal, stripes, succeeds, tensors};
use mde_core::refining::{Contract, INPUT_IMAGE, INPUT_MASK, OUTPUT};
use ort::session::Session;
use ort::value::TensorRef;
use tempfile::TempDir;

const GENERATOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin/models/face.onnx");
const CHECKPOINT: &str = "run/refine.safetensors";

/// A scratch folder with two `faces`, one of them seen twice.
fn scratch() -> Result<TempDir> {
    let folder = TempDir::new()?;
    for part in ["train", "val"] {
        for (face, frame) in [("a-0", 0), ("b-0", 0), ("b-0", 7)] {
            let of_face = folder.path().join(format!("faces/{part}/{face}"));
            fs::create_dir_all(&of_face)?;
            let picture = stripes(frame, 9, 288, 288);
            picture.save(of_face.join(format!("{frame:06}.png")))?;
        }
    }
    Ok(folder)
}

const DATA: [&str; 6] = [
    "--faces",
    "faces",
    "--cache",
    "cache",
    "--generator",
    GENERATOR,
];

fn refine<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["refine", command], &DATA[..], more].concat()
}

/// A short training with an opponent from the second update on, and what of the options is not given in
/// `more`.
fn train<'a>(out: &'a str, updates: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut options = vec!["--out", out, "--updates", updates, "--batch", "2"];
    for pair in [
        ["--window", "64"],
        ["--adversarial-from", "1"],
        ["--r1-every", "2"],
        ["--discriminator-width", "4"],
        ["--precision", "f32"],
        ["--rate", "1e-2"],
    ] {
        if !more.contains(&pair[0]) {
            options.extend(pair);
        }
    }
    options.extend(more);
    refine("train", &options)
}

#[test]
fn the_exported_graph_keeps_the_contract_and_computes_what_the_network_does() -> Result<()> {
    let Some(runtime) = onnx_runtime() else {
        println!("skipped: no ONNX Runtime in .deps/onnxruntime/lib; run `make setup`");
        return Ok(());
    };
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("run", "6", &[]))?;
    let mut score = vec!["--checkpoint", CHECKPOINT, "--count", "1"];
    score.extend(["--dump", "dump.safetensors", "--sheet", "sheet.png"]);
    let first = succeeds(folder, &refine("score", &score))?;
    assert_eq!(first.matches("| mouth | ").count(), 1, "{first}");
    let sheet = image::open(folder.join("sheet.png"))?;
    ensure!(sheet.width() > 3 * 256, "{} pixels", sheet.width());
    let mut export = vec!["refine", "export", "--checkpoint", CHECKPOINT];
    export.extend(["--out", "model.onnx"]);
    succeeds(folder, &export)?;

    let environment = ort::init_from(&runtime)?.build()?;
    let model = fs::read(folder.join("model.onnx"))?;
    ensure!(model.len() < 5_000_000, "{} bytes", model.len());
    let mut session = Session::builder(&environment)?.commit_from_memory(&model)?;
    let metadata = session.metadata()?;
    let contract = Contract::from_metadata(|key| metadata.custom(key))?;
    drop(metadata);
    assert_eq!(contract.scale, 2);
    assert_eq!(contract.training, "6 updates, 12 pictures");

    // A run that begins with its weights begins where it ended.
    let more = ["--init-from", "model.onnx", "--rate", "0"];
    succeeds(folder, &train("again", "1", &more))?;
    let mut score = vec!["--checkpoint", "again/refine.safetensors", "--count", "1"];
    score.extend(["--dump", "again.safetensors"]);
    succeeds(folder, &refine("score", &score))?;

    // What was dumped last is of the last task.
    let tensors = dumped(&folder.join("dump.safetensors"))?;
    let input = |name: &str| -> Result<_> {
        let t = &tensors[name];
        let view = TensorRef::from_array_view((t.shape.clone(), &t.values[..]))?;
        Ok(view)
    };
    let outputs = session.run(ort::inputs![
        INPUT_IMAGE => input(INPUT_IMAGE)?,
        INPUT_MASK => input(INPUT_MASK)?,
    ])?;
    let (shape, found) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
    assert_eq!(shape.to_vec(), [8, 3, 256, 256]);
    let expected = &tensors[OUTPUT].values;
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let largest = off.fold(0.0, f32::max);
    println!("largest difference {largest:.1e}");
    assert!(largest < 2e-2, "they differ by {largest}");
    let again = dumped(&folder.join("again.safetensors"))?;
    let off = found.iter().zip(&again[OUTPUT].values);
    let largest = off.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(
        largest < 2e-2,
        "a run that begins with them is {largest} off"
    );
    // What is known stays, and something of the rest changed.
    let (image, mask) = (&tensors[INPUT_IMAGE].values, &tensors[INPUT_MASK].values);
    let plane = 256 * 256;
    let is_known = |i: usize| mask[i / (3 * plane) * plane + i % plane] == 1.0;
    let change = |i: usize| (found[i] - image[i]).abs();
    let most = |known: bool| {
        let pixels = (0..image.len()).filter(|&i| is_known(i) == known);
        pixels.map(change).fold(0.0, f32::max)
    };
    assert_eq!(most(true), 0.0);
    assert!(most(false) > 1e-3, "{}", most(false));
    Ok(())
}

#[test]
fn a_resumed_run_ends_where_the_unbroken_one_does() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("whole", "4", &["--power", "0"]))?;
    succeeds(folder, &train("halves", "2", &["--power", "0"]))?;
    succeeds(folder, &train("halves", "4", &["--power", "0", "--resume"]))?;
    let all = |run: &str| tensors(&folder.join(run).join("refine.safetensors"));
    let (whole, halves) = (all("whole")?, all("halves")?);
    assert_eq!(whole.len(), halves.len());
    for (a, b) in whole.iter().zip(&halves) {
        ensure!(a == b, "'{}' differs", a.0);
    }
    Ok(())
}

#[test]
fn what_cannot_be_trained_on_is_named() -> Result<()> {
    let folder = scratch()?;
    let folder: &Path = folder.path();
    let window = refusal(folder, &train("run", "1", &["--window", "50"]))?;
    assert!(window.contains("a multiple of 32 up to 256"), "{window}");
    fs::write(folder.join("other.onnx"), "no model")?;
    let mut other = train("run", "1", &[]);
    let generator = other.iter_mut().find(|word| **word == GENERATOR);
    *generator.expect("an option") = "other.onnx";
    let refused = refusal(folder, &other)?;
    assert!(refused.contains("'other.onnx'"), "{refused}");
    fs::remove_dir_all(folder.join("faces/val"))?;
    let missing = refusal(folder, &refine("score", &["--checkpoint", "none"]))?;
    assert!(missing.contains("'none'"), "{missing}");
    assert!(!folder.join("run").join("refine.safetensors").exists());
    Ok(())
}
