//! `mde-train scenes` as its users run it, on made pictures. libtorch lives in the child processes
//! alone: this one loads ONNX Runtime, and the two crash together at exit.

mod common;

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use common::{dumped, onnx_runtime, refusal, stripes, succeeds, tensors};
use mde_core::contract::{Alignment, Contract, INPUT_IMAGE, INPUT_MASK, OUTPUT};
use ort::session::Session;
use ort::value::TensorRef;
use tempfile::TempDir;

const CHECKPOINT: &str = "run/scenes.safetensors";

/// A scratch folder with pictures of several shapes in `pictures`.
fn scratch() -> Result<TempDir> {
    let folder = TempDir::new()?;
    for part in ["train", "val"] {
        let pictures = folder.path().join("pictures").join(part).join("deeper");
        fs::create_dir_all(&pictures)?;
        for (n, (width, height)) in [(300, 200), (160, 240), (180, 180)].into_iter().enumerate() {
            stripes(n as u32, 3, width, height).save(pictures.join(format!("{n}.png")))?;
        }
    }
    Ok(folder)
}

fn train(folder: &Path, run: &str, more: &[&str]) -> Result<String> {
    let train = ["scenes", "train", "--data", "pictures", "--out", run];
    succeeds(folder, &[&train[..], &["--batch", "2"], more].concat())
}

#[test]
fn the_exported_graph_keeps_the_contract_and_computes_what_the_network_does() -> Result<()> {
    let Some(runtime) = onnx_runtime() else {
        println!("skipped: no ONNX Runtime in .deps/onnxruntime/lib; run `make setup`");
        return Ok(());
    };
    let folder = scratch()?;
    let folder = folder.path();
    train(folder, "run", &["--updates", "30"])?;
    let eval = [
        "eval",
        "--checkpoint",
        CHECKPOINT,
        "--data",
        "pictures",
        "--crop",
        "square",
    ];
    let more = ["--tasks", "Col-1,strokes", "--dump", "dump.safetensors"];
    let table = succeeds(folder, &[&eval[..], &more].concat())?;
    ensure!(
        table.contains("30 updates") && table.contains("Col-1"),
        "{table}"
    );
    let export = [
        "scenes",
        "export",
        "--checkpoint",
        CHECKPOINT,
        "--out",
        "model.onnx",
    ];
    let square = ["--width", "128", "--height", "128"];
    succeeds(folder, &[&export[..], &square].concat())?;

    let environment = ort::init_from(&runtime)?.build()?;
    let model = fs::read(folder.join("model.onnx"))?;
    ensure!(model.len() < 4_000_000, "{} bytes", model.len());
    let mut session = Session::builder(&environment)?.commit_from_memory(&model)?;
    let metadata = session.metadata()?;
    let contract = Contract::from_metadata(|key| metadata.custom(key))?;
    drop(metadata);
    assert_eq!((contract.width, contract.height), (128, 128));
    assert_eq!(contract.alignment, Alignment::None);

    let tensors = dumped(&folder.join("dump.safetensors"))?;
    let input = |name: &str| -> Result<_> {
        let t = &tensors[name];
        Ok(TensorRef::from_array_view((
            t.shape.clone(),
            &t.values[..],
        ))?)
    };
    let outputs = session.run(ort::inputs![
        INPUT_IMAGE => input(INPUT_IMAGE)?,
        INPUT_MASK => input(INPUT_MASK)?,
    ])?;
    let (shape, found) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
    assert_eq!(shape.to_vec(), [6, 3, 128, 128]);
    let pairs = found.iter().zip(&tensors[OUTPUT].values);
    // What is dumped is cut off at black and white.
    let largest = pairs
        .map(|(a, b)| (a.clamp(0.0, 1.0) - b).abs())
        .fold(0.0, f32::max);
    println!("largest difference {largest:.1e}");
    assert!(largest < 2e-2, "they differ by {largest}");
    Ok(())
}

#[test]
fn a_resumed_run_ends_as_an_unbroken_one_and_is_scored() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    // The rate falls with the length of a run, so that only without one halves can end as the whole.
    let still = ["--precision", "f32", "--rate", "0"];
    let updates = |updates| [&["--updates", updates][..], &still].concat();
    train(folder, "whole", &updates("3"))?;
    train(folder, "run", &updates("2"))?;
    train(folder, "run", &[&updates("3")[..], &["--resume"]].concat())?;
    let [whole, resumed] =
        ["whole/scenes.safetensors", CHECKPOINT].map(|file| tensors(&folder.join(file)));
    let (whole, resumed) = (whole?, resumed?);
    assert_eq!(whole.len(), resumed.len());
    for (whole, resumed) in whole.iter().zip(&resumed) {
        assert_eq!(whole.0, resumed.0);
        assert!(whole.1 == resumed.1, "{} differs", whole.0);
    }
    let score = [
        "scenes",
        "score",
        "--checkpoint",
        CHECKPOINT,
        "--data",
        "pictures",
    ];
    let table = succeeds(folder, &score)?;
    for row in ["| red", "| green", "| blue"] {
        assert!(table.contains(row), "{table}");
    }
    Ok(())
}

#[test]
fn sides_that_the_network_cannot_halve_four_times_are_refused() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    train(folder, "run", &["--updates", "0"])?;
    let export = [
        "scenes",
        "export",
        "--checkpoint",
        CHECKPOINT,
        "--out",
        "model.onnx",
    ];
    let error = refusal(folder, &[&export[..], &["--width", "200"]].concat())?;
    assert!(
        error.contains("--width 200") && error.contains("multiples of 16"),
        "{error}"
    );
    assert!(!folder.join("model.onnx").exists());
    Ok(())
}
