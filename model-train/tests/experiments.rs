//! `mde-train experiment` and `mde-train results` as their users run them, on made pictures, at
//! sizes and lengths that show that all is there and nothing of what networks can do.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use common::{celeba, refusal, stripes, succeeds};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with CelebA in `celeba` and a face network in `face/face.safetensors`.
fn scratch() -> Result<TempDir> {
    let folder = TempDir::new()?;
    celeba(&folder.path().join("celeba"))?;
    let mut features = vec!["features", "--data", "celeba", "--out", "face"];
    features.extend([
        "--updates",
        "2",
        "--size",
        "32",
        "--width",
        "4",
        "--batch",
        "8",
    ]);
    succeeds(folder.path(), &features)?;
    Ok(folder)
}

fn experiment<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["experiment", name, "--data", "celeba", "--out", "out"];
    all.extend(["--preset", "tiny", "--batch", "4", "--count", "6"]);
    all.extend(["--face-network", "face/face.safetensors"]);
    all.extend(more);
    all
}

/// Two updates a network.
const SHORT: [&str; 2] = ["--updates", "2"];

fn report(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join("out").join(name).join("report.json");
    let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// The findings of one kind.
fn blocks<'a>(report: &'a Value, kind: &str) -> Vec<&'a Value> {
    let blocks = report["blocks"].as_array().into_iter().flatten();
    blocks.filter(|b| b["kind"] == kind).collect()
}

/// Rows and columns of a report's table `n`, and whether all its values are finite numbers.
fn shape(report: &Value, n: usize) -> (usize, usize, bool) {
    let table = blocks(report, "table")[n];
    let rows: Vec<_> = table["rows"].as_array().into_iter().flatten().collect();
    let values = || {
        rows.iter()
            .flat_map(|row| row[1].as_array().into_iter().flatten())
    };
    let columns = table["columns"].as_array().map_or(0, Vec::len);
    assert_eq!(values().count(), rows.len() * columns);
    (rows.len(), columns, values().all(|v| v.is_f64()))
}

/// That the page stands alone and shows all pictures.
fn check_page(folder: &Path, name: &str, pictures: usize) -> Result<()> {
    let page = fs::read_to_string(folder.join("out").join(name).join("report.html"))?;
    assert_eq!(
        page.matches("src=\"data:image/png;base64,").count(),
        pictures
    );
    assert_eq!(page.matches("src=").count(), pictures);
    assert!(page.contains("<svg") && !page.contains("href"));
    Ok(())
}

#[test]
fn pictures_are_completed_sampled_and_resampled() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let flowers = folder.join("flowers/jpg");
    fs::create_dir_all(&flowers)?;
    for n in 1..=16 {
        stripes(n, 16, 64, 64).save(flowers.join(format!("image_{n:05}.png")))?;
    }
    let digits = folder.join("digits");
    fs::create_dir(&digits)?;
    for (part, count) in [("train", 24u32), ("t10k", 8)] {
        let header = [0x0803, count, 28, 28].map(u32::to_be_bytes).concat();
        let values = (0..count * 28 * 28).map(|i| (i * i % 251) as u8);
        let bytes: Vec<u8> = header.into_iter().chain(values).collect();
        fs::write(digits.join(format!("{part}-images-idx3-ubyte")), bytes)?;
    }
    let sets = [
        "--flowers",
        "flowers",
        "--digits",
        "digits",
        "--pixel-losses",
    ];
    succeeds(
        folder,
        &experiment("completion", &[&SHORT[..], &sets].concat()),
    )?;
    // RI, RE and REC of two data sets, RE of the third.
    assert_eq!(shape(&report(folder, "completion")?, 0), (7, 2, true));
    check_page(folder, "completion", 7)?;
    succeeds(folder, &experiment("samples", &SHORT))?;
    check_page(folder, "samples", 1)?;
    succeeds(folder, &experiment("resample", &SHORT))?;
    assert_eq!(shape(&report(folder, "resample")?, 0), (10, 2, true));
    check_page(folder, "resample", 1)?;
    // Samples and resample share a network; completion has one of its own for each row.
    let networks = fs::read_dir(folder.join("out/networks"))?;
    assert_eq!(networks.count(), 7 + 1);
    fs::remove_dir_all(folder.join("out/resample"))?;
    let other = experiment("resample", &["--updates", "2", "--seed", "2"]);
    let refused = refusal(folder, &other)?;
    assert!(refused.contains("other conditions"), "{refused}");
    Ok(())
}

#[test]
fn tasks_are_tested_on_each_other_and_an_interrupted_experiment_goes_on() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let tasks = experiment("tasks", &["--updates", "2", "--pixel-losses"]);
    succeeds(folder, &tasks)?;
    let whole = report(folder, "tasks")?;
    assert_eq!(shape(&whole, 0), (10, 11, true));
    assert_eq!(shape(&whole, 1), (10, 11, true));
    assert_eq!(blocks(&whole, "claim").len(), 1);
    check_page(folder, "tasks", 0)?;
    let written = succeeds(folder, &["results", "out"])?;
    assert!(refusal(folder, &tasks)?.contains("--resume"));
    let other = experiment("tasks", &["--updates", "3", "--pixel-losses", "--resume"]);
    assert!(refusal(folder, &other)?.contains("other settings"));

    // As if it had been stopped while the last network was trained.
    let out = folder.join("out/tasks");
    fs::remove_dir_all(folder.join("out/networks/celeba-REC-0.5-2"))?;
    fs::remove_file(out.join("parts/REC-0.5.json"))?;
    fs::remove_file(out.join("report.json"))?;
    succeeds(folder, &[&tasks[..], &["--resume"]].concat())?;
    assert_eq!(succeeds(folder, &["results", "out"])?, written);
    assert!(
        written.contains("## tasks: ") && written.contains("| REC:0.5 |"),
        "{written}"
    );
    assert!(refusal(folder, &["results", "celeba"])?.contains("found no reports"));
    Ok(())
}

#[test]
fn losses_are_added_one_by_one() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    assert!(refusal(folder, &experiment("losses", &SHORT))?.contains("--perceptual-network"));
    let perceptual = [
        "--perceptual-network",
        "face/face.safetensors",
        "--budget",
        "0.01",
    ];
    succeeds(folder, &experiment("losses", &perceptual))?;
    let losses = report(folder, "losses")?;
    assert_eq!(shape(&losses, 0), (5, 6, true));
    assert_eq!(blocks(&losses, "claim").len(), 2);
    check_page(folder, "losses", 1)
}

#[test]
fn features_are_transferred() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    succeeds(
        folder,
        &experiment(
            "transfer",
            &[
                "--updates",
                "4",
                "--pixel-losses",
                "--transfer-updates",
                "16",
            ],
        ),
    )?;
    let transfer = report(folder, "transfer")?;
    // Random weights, ten pretrainings, and no look at all, for which the paper has no figures.
    let (rows, columns, _) = shape(&transfer, 0);
    assert_eq!((rows, columns), (12, 6));
    let rows = &blocks(&transfer, "table")[0]["rows"];
    let of_inpainting = &rows[1];
    assert_eq!(of_inpainting[0], "I-0.25");
    assert_eq!(of_inpainting[1][5], 5.411);
    let row = &rows[0];
    let errors = (0..5).map(|n| row[1][n].as_f64().context("no error"));
    let errors: Vec<f64> = errors.collect::<Result<_>>()?;
    assert!(errors.iter().all(|e| (0.0..32.0).contains(e)), "{row}");
    // Of heads and encoder by 1 and by 16 updates: both begin at the same weights.
    assert!(errors[4] < errors[1], "{row}");
    check_page(folder, "transfer", 0)?;
    fs::remove_file(folder.join("celeba/list_landmarks_align_celeba.txt"))?;
    fs::remove_dir_all(folder.join("out"))?;
    let error = refusal(folder, &experiment("transfer", &SHORT))?;
    assert!(error.contains("list_landmarks_align_celeba.txt"), "{error}");
    Ok(())
}

/// A Python with OpenCV: the one in `MDE_OPENCV`, or the system's.
fn opencv() -> Option<PathBuf> {
    let named = std::env::var_os("MDE_OPENCV").filter(|p| !p.is_empty());
    let python = named.map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let output = Command::new(&python).args(["-c", "import cv2"]).output();
    output.is_ok_and(|o| o.status.success()).then_some(python)
}

#[test]
fn occlusions_are_set_beside_rivals_and_opencv() -> Result<()> {
    let folder = scratch()?;
    let folder = folder.path();
    let error = refusal(
        folder,
        &experiment(
            "occlusions",
            &[&SHORT[..], &["--opencv", "no-python"]].concat(),
        ),
    )?;
    assert!(error.contains("--opencv 'no-python'"), "{error}");
    let python = opencv();
    let mut more = vec!["--updates", "2"];
    match python.as_deref().and_then(Path::to_str) {
        Some(python) => more.extend(["--opencv", python]),
        None => println!("without OpenCV: MDE_OPENCV names no Python that has it"),
    }
    fs::remove_dir_all(folder.join("out"))?;
    succeeds(folder, &experiment("occlusions", &more))?;
    let occlusions = report(folder, "occlusions")?;
    for n in 0..4 {
        // OpenCV's columns are empty without it.
        assert_eq!(shape(&occlusions, n), (6, 8, python.is_some()));
    }
    assert_eq!(blocks(&occlusions, "claim").len(), 1);
    check_page(folder, "occlusions", 6)
}
