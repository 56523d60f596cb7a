//! `mde-train features` as its users run it, on made pictures.

mod common;

use std::fs;

use anyhow::{Context, Result};
use common::{celeba, refusal, succeeds};
use tempfile::TempDir;

fn features<'a>(out: &'a str, updates: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["features", "--data", "celeba", "--out", out];
    all.extend(["--updates", updates, "--size", "32", "--width", "4"]);
    all.extend(["--batch", "8", "--precision", "f32"]);
    all.extend(more);
    all
}

#[test]
fn the_face_network_learns_persons_and_serves_as_perceptual_network() -> Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    celeba(&folder.join("celeba"))?;
    let told = succeeds(folder, &features("face", "60", &[]))?;
    assert!(
        told.contains("18 pictures of 6 persons, 6 held out"),
        "{told}"
    );
    let report = fs::read(folder.join("face/features.json"))?;
    let report: serde_json::Value = serde_json::from_slice(&report)?;
    let score = |name: &str| report["scores"][name].as_f64().context("no score");
    // All pictures of a person are alike.
    assert!(score("identity_top1")? > 80.0, "{report:#}");
    assert!(
        score("attributes")? > score("attributes_chance")?,
        "{report:#}"
    );
    assert!(score("verification")? > 80.0, "{report:#}");

    let network = "face/face.safetensors";
    let mut train = vec![
        "train",
        "--data",
        "celeba",
        "--out",
        "run",
        "--updates",
        "2",
    ];
    train.extend(["--preset", "tiny", "--batch", "4", "--perceptual"]);
    succeeds(
        folder,
        &[&train[..], &["--perceptual-network", network]].concat(),
    )?;
    let log = fs::read_to_string(folder.join("run/losses.csv"))?;
    assert!(log.contains("perceptual"), "{log}");
    Ok(())
}

#[test]
fn a_training_is_resumed_and_not_overwritten() -> Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    celeba(&folder.join("celeba"))?;
    succeeds(folder, &features("halves", "6", &[]))?;
    assert!(refusal(folder, &features("halves", "6", &[]))?.contains("--resume"));
    let error = refusal(
        folder,
        &features("halves", "12", &["--resume", "--seed", "5"]),
    )?;
    assert!(error.contains("--seed was 1, is now 5"), "{error}");
    let mut wider = features("halves", "12", &["--resume"]);
    let width = wider.iter().position(|argument| *argument == "--width");
    wider[width.context("no width")? + 1] = "8";
    assert!(refusal(folder, &wider)?.contains("--size, --width"));
    succeeds(folder, &features("halves", "12", &["--resume"]))?;
    let report = |run: &str| -> Result<serde_json::Value> {
        let bytes = fs::read(folder.join(run).join("features.json"))?;
        Ok(serde_json::from_slice(&bytes)?)
    };
    assert_eq!(report("halves")?["updates"], 12);
    Ok(())
}

#[test]
fn missing_lists_are_named() -> Result<()> {
    let folder = TempDir::new()?;
    let folder = folder.path();
    let data = folder.join("celeba");
    celeba(&data)?;
    fs::remove_file(data.join("identity_CelebA.txt"))?;
    let error = refusal(folder, &features("face", "1", &[]))?;
    assert!(error.contains("identity_CelebA.txt"), "{error}");
    Ok(())
}
