//! `mde-train` as its users run it, at the `tiny` preset. libtorch lives in the child processes
//! alone: this one loads ONNX Runtime, and the two crash together at exit.

mod common;
#[path = "../../plugin/tests/common/skip.rs"]
mod skip;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use common::{mde_train, onnx_runtime, refusal, stripes, succeeds, tensors};
use ort::value::TensorRef;
use safetensors::SafeTensors;
use skip::skip;
use tempfile::TempDir;

const PICTURES: u32 = 12;
const SIDE: u32 = 48;

/// A folder with a few pictures of soft stripes, each of its own colour and direction.
fn pictures(folder: &Path) -> Result<()> {
    for n in 0..PICTURES {
        let picture = stripes(n, PICTURES, SIDE, SIDE);
        picture.save(folder.join(format!("{n:02}.png")))?;
    }
    Ok(())
}

/// A scratch folder with pictures in `data`.
fn scratch() -> Result<TempDir> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    pictures(&data)?;
    Ok(folder)
}

fn train<'a>(out: &'a str, updates: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec![
        "train",
        "--data",
        "data",
        "--out",
        out,
        "--updates",
        updates,
    ];
    all.extend([
        "--preset",
        "tiny",
        "--batch",
        "4",
        "--mirror-input",
        "--rate",
        "1e-3",
    ]);
    all.extend(more);
    all
}

/// An adversarial run with all that it keeps; the 12 pictures are 3 updates an epoch, and each
/// epoch has boxes of its own.
const ADVERSARIAL: [&str; 10] = [
    "--adversarial",
    "--hide-and-seek",
    "--discriminator-rate",
    "1e-3",
    "--ema",
    "0.9",
    "--clip",
    "1",
    "--tasks",
    "RE:0.3,REC:0.3,eyes",
];

#[test]
fn a_resumed_run_ends_where_the_unbroken_one_does() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let spectral = ["--discriminator-norm", "spectral", "--r1", "1"];
    let spectral = [&ADVERSARIAL[..], &spectral].concat();
    let cases = [
        ("plain", "f32", &[][..]),
        ("plain", "bf16", &[]),
        ("adversarial", "bf16", &ADVERSARIAL),
        ("spectral", "f32", &spectral),
    ];
    for (kind, precision, options) in cases {
        let (whole, halves) = (
            format!("whole-{kind}-{precision}"),
            format!("halves-{kind}-{precision}"),
        );
        // A constant rate, as the first half does not know of the second.
        let more = [&["--power", "0", "--precision", precision], options].concat();
        succeeds(folder, &train(&whole, "8", &more))?;
        succeeds(folder, &train(&halves, "4", &more))?;
        succeeds(
            folder,
            &train(&halves, "8", &[&more[..], &["--resume"]].concat()),
        )?;
        let end = |run: &str| tensors(&folder.join(run).join("checkpoint.safetensors"));
        let (whole, halves) = (end(&whole)?, end(&halves)?);
        assert_eq!(whole.len(), halves.len());
        let adversarial = |(name, _): &(String, Vec<u8>)| name.starts_with("discriminator.");
        assert_eq!(whole.iter().any(adversarial), kind != "plain");
        for (a, b) in whole.iter().zip(&halves) {
            assert!(
                a == b,
                "{kind}, {precision}: '{}' differs after resuming",
                a.0
            );
        }
    }
    Ok(())
}

#[test]
fn a_run_goes_on_with_its_opponent_and_average_or_not_at_all() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let begin = |out| train(out, "1", &[]);
    succeeds(folder, &begin("run"))?;
    // An opponent may come in later where it is asked for; the log then has other columns.
    let adversarial = [&ADVERSARIAL[..], &["--resume"]].concat();
    assert!(refusal(folder, &train("run", "2", &adversarial))?.contains("--change"));
    let change = [&adversarial[..], &["--change"]].concat();
    assert!(refusal(folder, &train("run", "2", &change))?.contains("losses.csv"));
    fs::remove_file(folder.join("run/losses.csv"))?;
    succeeds(folder, &train("run", "2", &change))?;
    let alone = ["--resume", "--change"];
    assert!(refusal(folder, &train("run", "3", &alone))?.contains("has a discriminator"));
    let no_average = ["--resume", "--change", "--adversarial"];
    assert!(refusal(folder, &train("run", "3", &no_average))?.contains("--ema"));
    let other = [&change[..], &["--discriminator-norm", "spectral"]].concat();
    assert!(refusal(folder, &train("run", "3", &other))?.contains("another discriminator"));
    succeeds(folder, &train("run", "3", &adversarial))?;
    let penalty = train("other", "1", &["--adversarial", "--r1", "10"]);
    assert!(refusal(folder, &penalty)?.contains("--discriminator-norm"));
    Ok(())
}

#[test]
fn a_run_goes_on_with_what_it_was_made_with() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("run", "1", &[]))?;
    let resume = |more: &[&'static str]| train("run", "2", &[&["--resume"], more].concat());
    let before = tensors(&folder.join("run/checkpoint.safetensors"))?;
    for (option, value, was) in [
        ("--seed", "2", "1"),
        ("--tasks", "mouth", "REC:0.1=35,"),
        ("--discriminator-rate", "0.5", "0.00002"),
        ("--reconstruction", "0.5", "1"),
        ("--clip", "2", "none"),
        ("--power", "0.5", "0.9"),
    ] {
        let error = refusal(folder, &resume(&[option, value]))?;
        let expected = format!("{option} was {was}");
        assert!(error.contains(&expected), "no '{expected}' in {error}");
        assert!(error.contains(&format!("is now {value}")), "{error}");
        assert!(error.contains("--change"), "{error}");
    }
    let mut other = resume(&["--change"]);
    let preset = other.iter().position(|argument| *argument == "tiny");
    other[preset.context("no preset")?] = "half";
    assert!(refusal(folder, &other)?.contains("not those of --preset"));
    assert_eq!(tensors(&folder.join("run/checkpoint.safetensors"))?, before);
    let told = succeeds(folder, &resume(&["--seed", "2", "--change"]))?;
    assert!(told.contains("--seed was 1, is now 2"), "{told}");
    // The new value is what the run goes on with from there.
    let further = |seed| train("run", "3", &["--resume", "--seed", seed]);
    assert!(refusal(folder, &further("1"))?.contains("--seed was 2, is now 1"));
    succeeds(folder, &further("2"))?;
    assert!(refusal(folder, &train("other", "1", &["--change"]))?.contains("--resume"));
    Ok(())
}

#[test]
fn a_run_is_not_overwritten_and_a_broken_checkpoint_is_named() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("run", "1", &[]))?;
    let again = mde_train(folder, &train("run", "1", &[]))?;
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("--resume"));
    let path = folder.join("run").join("checkpoint.safetensors");
    let others = folder.join("data").join("00.png");
    assert_eq!(
        fs::metadata(&path)?.permissions(),
        fs::metadata(others)?.permissions(),
        "a checkpoint is for whoever may read new files"
    );
    let bytes = fs::read(&path)?;
    fs::write(&path, &bytes[..bytes.len() / 2])?;
    let broken = mde_train(folder, &train("run", "2", &["--resume"]))?;
    assert!(!broken.status.success());
    let message = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(message.contains("checkpoint.safetensors"), "{message}");
    Ok(())
}

/// The folder of real face crops, if there is one.
fn faces() -> Option<String> {
    let data = std::env::var("MDE_DATA").ok().filter(|d| !d.is_empty());
    if data.is_none() {
        println!("on made pictures: MDE_DATA is not set to a folder that holds celeba/val/*.tar");
    }
    Some(format!("{}/celeba", data?))
}

#[test]
fn the_exported_graph_computes_what_the_checkpoint_does() -> Result<()> {
    let Some(runtime) = onnx_runtime() else {
        skip("there is no ONNX Runtime in .deps/onnxruntime/lib, run `make setup`");
        return Ok(());
    };
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("run", "30", &["--tasks", "faces"]))?;
    let checkpoint = "run/checkpoint.safetensors";
    let data = faces().unwrap_or_else(|| "data".to_owned());
    let mut eval = vec![
        "eval",
        "--checkpoint",
        checkpoint,
        "--data",
        &data,
        "--json",
    ];
    eval.extend([
        "--count",
        "4",
        "--dump",
        "dump.safetensors",
        "--tasks",
        "eyes,REC:0.1",
    ]);
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder, &eval)?)?;
    assert!(
        report["tasks"]["eyes"]["psnr_composited"]
            .as_f64()
            .context("no score")?
            > 10.0
    );
    succeeds(
        folder,
        &["export", "--checkpoint", checkpoint, "--out", "model.onnx"],
    )?;

    let score = |report: &serde_json::Value| report["tasks"]["REC:0.1"]["psnr_raw"].as_f64();
    let expected = score(&report).context("no score")?;
    eval[2] = "model.onnx";
    eval.truncate(eval.len() - 6);
    eval.extend(["--count", "4", "--tasks", "eyes,REC:0.1"]);
    let of_export: serde_json::Value = serde_json::from_str(&succeeds(folder, &eval)?)?;
    let found = score(&of_export).context("no score")?;
    assert!(
        (found - expected).abs() < 0.05,
        "{found} dB, not {expected}"
    );

    let dump = fs::read(folder.join("dump.safetensors"))?;
    let dump = SafeTensors::deserialize(&dump)?;
    let shape = dump.tensor("image")?.shape().to_vec();
    let values = |name: &str| -> Result<Vec<f32>> {
        let bytes = dump.tensor(name)?.data().to_vec();
        let value = |b: &[u8]| Ok(f32::from_le_bytes(b.try_into()?));
        bytes.chunks_exact(4).map(value).collect()
    };
    let (image, mask, expected) = (values("image")?, values("mask")?, values("completed")?);

    // SAFETY: the other tests of this program read the environment through Rust's lock alone. ONNX
    // Runtime would otherwise send its maker data on its use.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
    let environment = ort::init_from(&runtime)?.with_telemetry(false).build()?;
    let model = fs::read(folder.join("model.onnx"))?;
    let mut session = ort::session::Session::builder(&environment)?.commit_from_memory(&model)?;
    let inputs = ort::inputs![
        "image" => TensorRef::from_array_view((shape.clone(), &image[..]))?,
        "mask" => TensorRef::from_array_view((shape, &mask[..]))?,
    ];
    let outputs = session.run(inputs)?;
    let (_, completed) = outputs["completed"].try_extract_tensor::<f32>()?;
    ensure!(completed.len() == expected.len(), "another shape");
    let differences = completed
        .iter()
        .zip(&expected)
        .map(|(a, b)| f64::from((a - b).abs()));
    let largest = differences.clone().fold(0.0, f64::max);
    let mse = differences.map(|d| d * d).sum::<f64>() / expected.len() as f64;
    let psnr = -10.0 * mse.log10();
    println!("largest difference {largest:.1e}, {psnr:.1} dB");
    assert!(
        largest < 2e-2 && psnr > 60.0,
        "largest difference {largest}, {psnr} dB"
    );
    Ok(())
}

#[test]
fn training_goes_on_from_an_exported_model() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(folder, &train("run", "60", &["--tasks", "eyes"]))?;
    let checkpoint = "run/checkpoint.safetensors";
    let export = ["export", "--checkpoint", checkpoint, "--out", "model.onnx"];
    succeeds(folder, &export)?;
    // At a rate of almost 0 the model stays what it was.
    let more = |out| {
        let mut all = vec!["train", "--data", "data", "--out", out, "--updates", "20"];
        all.extend(["--batch", "4", "--tasks", "eyes", "--rate", "1e-9"]);
        all
    };
    succeeds(
        folder,
        &[&more("on")[..], &["--init-from", "model.onnx"]].concat(),
    )?;
    let score = |checkpoint: &str| -> Result<f64> {
        let mut eval = vec![
            "eval",
            "--checkpoint",
            checkpoint,
            "--data",
            "data",
            "--json",
        ];
        eval.extend(["--tasks", "eyes"]);
        let report: serde_json::Value = serde_json::from_str(&succeeds(folder, &eval)?)?;
        report["tasks"]["eyes"]["psnr_composited"]
            .as_f64()
            .context("no score")
    };
    let (first, on) = (score(checkpoint)?, score("on/checkpoint.safetensors")?);
    assert!((first - on).abs() < 1.0, "{first} dB became {on} dB");

    fs::write(folder.join("other.onnx"), b"no model")?;
    let refused = mde_train(
        folder,
        &[&more("no")[..], &["--init-from", "other.onnx"]].concat(),
    )?;
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success(), "it was taken");
    assert!(
        message.contains("other.onnx") && message.contains("mde-train export"),
        "{message}"
    );
    let both = ["--init-from", "model.onnx", "--preset", "half"];
    let refused = mde_train(folder, &[&more("no")[..], &both].concat())?;
    ensure!(!refused.status.success(), "--preset was taken as well");
    Ok(())
}
