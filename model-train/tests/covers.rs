//! `mde-train covers` as its users run it, on made faces and covers. libtorch lives in the child
//! processes alone: this one loads ONNX Runtime, and the two crash together at exit.

mod common;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use common::{celeba, dumped, onnx_runtime, refusal, stripes, succeeds};
use image::{GrayImage, Luma, Rgba, RgbaImage};
use mde_core::covers::{Contract, INPUT_IMAGE, INPUT_LAST, INPUT_VIEW, INPUT_VIEW_MASK, OUTPUT};
use ort::session::Session;
use ort::value::TensorRef;
use tempfile::TempDir;

const CHECKPOINT: &str = "run/covers.safetensors";
/// The kinds of pictures of covers.
const COVERS: [&str; 7] = [
    "hands",
    "objects",
    "masks",
    "scarves",
    "sunglasses",
    "glasses",
    "textures",
];

/// A scratch folder with faces in `celeba` and `parsed`, and `covers`.
fn scratch() -> Result<TempDir> {
    let folder = TempDir::new()?;
    celeba(&folder.path().join("celeba"))?;
    attributes(&folder.path().join("celeba/list_attr_celeba.txt"))?;
    for part in ["train", "val"] {
        for kind in COVERS {
            let of_kind = folder.path().join(format!("covers/{part}/{kind}"));
            fs::create_dir_all(&of_kind)?;
            // A disc of a warm colour on grey, which is transparent.
            let disc = RgbaImage::from_fn(60, 50, |x, y| {
                match (f64::from(x) - 30.0).hypot(f64::from(y) - 25.0) < 22.0 {
                    true => Rgba([220, 120, 40, 255]),
                    false => Rgba([150, 150, 150, 0]),
                }
            });
            disc.save(of_kind.join("disc.png"))?;
        }
        let parsed = folder.path().join(format!("parsed/{part}"));
        fs::create_dir_all(parsed.join("images"))?;
        fs::create_dir_all(parsed.join("masks"))?;
        stripes(1, 3, 512, 512).save(parsed.join("images/a.jpg"))?;
        // Skin below hair.
        let classes = GrayImage::from_fn(512, 512, |_, y| Luma([if y < 180 { 13 } else { 1 }]));
        classes.save(parsed.join("masks/a.png"))?;
    }
    Ok(folder)
}

/// Replaces the attributes at `path` by those that tell of covers, of which nobody wears any.
fn attributes(path: &Path) -> Result<()> {
    let published = fs::read_to_string(path)?;
    let names = published
        .lines()
        .skip(2)
        .filter_map(|l| l.split(' ').next());
    let rows: Vec<String> = names.map(|name| format!("{name} -1 -1 -1")).collect();
    let header = format!("{}\nBangs Eyeglasses Wearing_Hat\n", rows.len());
    fs::write(path, header + &rows.join("\n"))?;
    Ok(())
}

const DATA: [&str; 6] = [
    "--data", "celeba", "--covers", "covers", "--parsed", "parsed",
];

fn covers<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["covers", command], &DATA[..], more].concat()
}

fn train(folder: &Path, updates: &str) -> Result<String> {
    let more = ["--out", "run", "--updates", updates, "--batch", "3"];
    succeeds(folder, &covers("train", &more))
}

#[test]
fn the_exported_graph_keeps_the_contract_and_computes_what_the_network_does() -> Result<()> {
    let Some(runtime) = onnx_runtime() else {
        println!("skipped: no ONNX Runtime in .deps/onnxruntime/lib; run `make setup`");
        return Ok(());
    };
    let folder = scratch()?;
    let folder = folder.path();
    train(folder, "40")?;
    let mut samples = vec!["--checkpoint", CHECKPOINT, "--out", "samples.png"];
    samples.extend(["--count", "5", "--dump", "dump.safetensors"]);
    succeeds(folder, &covers("samples", &samples))?;
    let mut export = vec!["covers", "export", "--checkpoint", CHECKPOINT];
    export.extend(["--out", "model.onnx"]);
    succeeds(folder, &export)?;

    let environment = ort::init_from(&runtime)?.build()?;
    let model = fs::read(folder.join("model.onnx"))?;
    ensure!(model.len() < 3_000_000, "{} bytes", model.len());
    let mut session = Session::builder(&environment)?.commit_from_memory(&model)?;
    let metadata = session.metadata()?;
    let contract = Contract::from_metadata(|key| metadata.custom(key))?;
    drop(metadata);
    assert_eq!((contract.side, contract.grid()), (128, 64));

    let tensors = dumped(&folder.join("dump.safetensors"))?;
    let input = |name: &str| -> Result<_> {
        let t = &tensors[name];
        let view = TensorRef::from_array_view((t.shape.clone(), &t.values[..]))?;
        Ok(view)
    };
    let outputs = session.run(ort::inputs![
        INPUT_IMAGE => input(INPUT_IMAGE)?,
        INPUT_VIEW => input(INPUT_VIEW)?,
        INPUT_VIEW_MASK => input(INPUT_VIEW_MASK)?,
        INPUT_LAST => input(INPUT_LAST)?,
    ])?;
    let (shape, found) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
    assert_eq!(shape.to_vec(), [5, 5, 64, 64]);
    let expected = &tensors[OUTPUT].values;
    let pairs = || found.iter().zip(expected);
    let largest = pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference {largest:.1e}");
    assert!(largest < 2e-2, "they differ by {largest}");
    assert!(found.iter().all(|v| (0.0..=1.0).contains(v)));
    let (least, most) = pairs().fold((1.0f32, 0.0f32), |(l, m), (a, _)| (l.min(*a), m.max(*a)));
    assert!(most - least > 1e-2, "the net says {least} to {most} only");
    Ok(())
}

#[test]
fn a_resumed_run_goes_on_and_is_scored() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    train(folder, "1")?;
    let resumed = ["--out", "run", "--updates", "2", "--batch", "3", "--resume"];
    let told = succeeds(folder, &covers("train", &resumed))?;
    assert!(told.contains("after 2 updates"), "{told}");
    let other = ["--out", "run", "--updates", "3", "--batch", "4", "--resume"];
    let error = refusal(folder, &covers("train", &other))?;
    assert!(error.contains("--batch was 3, is now 4"), "{error}");
    let score = ["--checkpoint", CHECKPOINT, "--count", "2", "--stills", "3"];
    let table = succeeds(folder, &covers("score", &score))?;
    for row in ["| objects", "| sunglasses", "| stills | 3 |"] {
        assert!(table.contains(row), "{table}");
    }
    Ok(())
}

#[test]
fn an_exported_model_is_scored_and_trained_on() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    train(folder, "20")?;
    let export = ["covers", "export", "--checkpoint", CHECKPOINT];
    succeeds(folder, &[&export[..], &["--out", "model.onnx"]].concat())?;
    let found = |of: &str, dump: &str| -> Result<Vec<f32>> {
        let more = ["--checkpoint", of, "--out", "samples.png"];
        let more = [&more[..], &["--count", "3", "--dump", dump]].concat();
        succeeds(folder, &covers("samples", &more))?;
        Ok(dumped(&folder.join(dump))?
            .remove(OUTPUT)
            .context("no answer")?
            .values)
    };
    let (of_run, of_model) = (
        found(CHECKPOINT, "run.dump")?,
        found("model.onnx", "model.dump")?,
    );
    let off = of_run.iter().zip(&of_model).map(|(a, b)| (a - b).abs());
    let off = off.fold(0.0, f32::max);
    assert!(off < 2e-2, "they differ by {off}");

    let on = [
        "--out",
        "on",
        "--updates",
        "1",
        "--batch",
        "3",
        "--rate",
        "0",
    ];
    let on = [&on[..], &["--init-from", "model.onnx"]].concat();
    succeeds(folder, &covers("train", &on))?;
    let of_next = found("on/covers.safetensors", "on.dump")?;
    let off = of_model.iter().zip(&of_next).map(|(a, b)| (a - b).abs());
    let off = off.fold(0.0, f32::max);
    // The statistics of a batch have moved a little.
    assert!(off < 0.1, "they differ by {off}");

    let other = [
        "--out",
        "other",
        "--updates",
        "1",
        "--init-from",
        "samples.png",
    ];
    let error = refusal(folder, &covers("train", &other))?;
    assert!(
        error.contains("expected a model that mde-train exported"),
        "{error}"
    );
    Ok(())
}

#[test]
fn real_covers_are_learned_from_their_outlines() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let outlines = |name: &str| {
        let text = format!(
            r#"{{"pictures": [{{"name": "{name}", "what": "a hand", "covers": [
                {{"kind": "objects", "outline": [[40, 40], [100, 40], [100, 90], [40, 90]]}}
            ]}}]}}"#
        );
        fs::write(folder.join("outlines.json"), text)
    };
    let run = |out| {
        let more = ["--out", out, "--updates", "1", "--batch", "3"];
        covers(
            "train",
            &[&more[..], &["--outlines", "outlines.json"]].concat(),
        )
    };
    outlines("000001.png")?;
    let told = succeeds(folder, &run("run"))?;
    assert!(told.contains("1 of them outlined"), "{told}");
    // A picture of the validation part.
    outlines("000005.png")?;
    let error = refusal(folder, &run("second"))?;
    assert!(error.contains("no picture '000005.png'"), "{error}");

    let trunk = [
        "--out",
        "third",
        "--updates",
        "1",
        "--trunk",
        "outlines.json",
    ];
    let error = refusal(folder, &covers("train", &trunk))?;
    assert!(error.contains("mde-train convert-squeezenet"), "{error}");
    Ok(())
}

#[test]
fn real_covers_are_scored_by_their_outlines() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    train(folder, "1")?;
    let labels = |name: &str| {
        let text = format!(
            r#"{{"pictures": [
                {{"name": "{name}", "what": "a block", "covers": [
                    {{"kind": "objects", "outline": [[40, 40], [100, 40], [100, 90], [40, 90]]}}
                ]}},
                {{"name": "000012.png", "what": "stripes", "covers": []}}
            ]}}"#
        );
        fs::write(folder.join("labels.json"), text)
    };
    labels("000005.png")?;
    // From 0 on everything is found: of the crop of 134 x 134 pixels 60 x 50 are covered, to the next
    // cells.
    let score = [
        "--checkpoint",
        CHECKPOINT,
        "--labels",
        "labels.json",
        "--threshold",
        "0",
    ];
    let table = succeeds(folder, &covers("score", &score))?;
    for row in [
        "| objects | 1 | 0.17",
        "| all by default | 1 | 0.17",
        "| nothing there, found on the face | 1 | 100.000 % |",
        "| 000005.png | a block | 0.",
        "| 000012.png | nothing: stripes | 100.00 % |",
    ] {
        assert!(table.contains(row), "{table}");
    }
    // A picture of the training part.
    labels("000001.png")?;
    let error = refusal(folder, &covers("score", &score))?;
    assert!(
        error.contains("no validation picture '000001.png'"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_file_that_is_no_run_of_a_cover_net_is_refused_by_name() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    train(folder, "0")?;
    let whole = fs::read(folder.join(CHECKPOINT))?;
    fs::write(folder.join("short"), &whole[..whole.len() / 2])?;
    let mut points = vec!["points", "train", "--data", "celeba", "--out", "points"];
    points.extend(["--landmarks", "celeba/list_landmarks_align_celeba.txt"]);
    points.extend(["--updates", "0"]);
    succeeds(folder, &points)?;
    for file in ["short", "points/points.safetensors", "nowhere"] {
        let export = [
            "covers",
            "export",
            "--checkpoint",
            file,
            "--out",
            "model.onnx",
        ];
        let error = refusal(folder, &export)?;
        assert!(
            error.contains(file) && error.contains("cannot read the checkpoint"),
            "{error}"
        );
        assert!(!folder.join("model.onnx").exists(), "{file}");
    }
    Ok(())
}

#[test]
fn what_is_not_in_the_folder_of_covers_is_named() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let scarves = folder.join("covers/train/scarves");
    fs::write(scarves.join("disc.png"), "no picture")?;
    let more = ["--out", "run", "--updates", "1"];
    let error = refusal(folder, &covers("train", &more))?;
    assert!(
        error.contains("left out") && error.contains("holds no picture"),
        "{error}"
    );
    fs::remove_dir_all(&scarves).context("no folder")?;
    let error = refusal(folder, &covers("train", &more))?;
    assert!(
        error.contains("scarves") && error.contains("sub-folders train and val"),
        "{error}"
    );
    Ok(())
}
