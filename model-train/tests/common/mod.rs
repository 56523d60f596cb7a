//! What the tests of the built `mde-train` share.

// Each test binary uses some of it.
#![allow(dead_code)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use image::{Rgb, RgbImage};
use safetensors::SafeTensors;

/// Runs `mde-train` in `folder`, its picture cache there as well.
pub fn mde_train(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_mde-train"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        // Its threads wait asleep: awake they would take the processors from the tests beside.
        .env("OMP_WAIT_POLICY", "passive")
        .output()?;
    Ok(output)
}

/// As [`mde_train`], and its standard output where it succeeds.
pub fn succeeds(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = mde_train(folder, arguments)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{arguments:?} ended with {}: {errors}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// As [`mde_train`], and its standard error where it fails.
pub fn refusal(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = mde_train(folder, arguments)?;
    ensure!(!output.status.success(), "{arguments:?} was taken");
    Ok(String::from_utf8(output.stderr)?)
}

/// Values of a safetensors file by name.
pub fn tensors(path: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let bytes = fs::read(path)?;
    let mut tensors: Vec<_> = SafeTensors::deserialize(&bytes)?
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, view.data().to_vec()))
        .collect();
    tensors.sort();
    Ok(tensors)
}

/// A tensor of a dump.
pub struct Values {
    /// Its sides.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub values: Vec<f32>,
}

/// The tensors of a dump by name.
pub fn dumped(path: &Path) -> Result<HashMap<String, Values>> {
    let bytes = fs::read(path)?;
    let value = |b: &[u8]| Ok(f32::from_le_bytes(b.try_into()?));
    let read = SafeTensors::deserialize(&bytes)?;
    (read.tensors().into_iter())
        .map(|(name, view)| {
            let shape = view.shape().to_vec();
            let values = view
                .data()
                .chunks_exact(4)
                .map(value)
                .collect::<Result<_>>()?;
            Ok((name, Values { shape, values }))
        })
        .collect()
}

/// ONNX Runtime as the set-up lays it out, if it did.
pub fn onnx_runtime() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.deps/onnxruntime/lib");
    let files = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()));
    files
        .into_iter()
        .find(|path| path.to_string_lossy().contains("libonnxruntime.so"))
}

/// A picture of soft stripes, each `n` of `count` of its own colour and direction.
pub fn stripes(n: u32, count: u32, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let phase = f64::from(x * (n + 1) + y * (count - n)) / 24.0;
        let value = |c: u32| (127.5 + 120.0 * (phase + f64::from(c * n)).sin()) as u8;
        Rgb([value(0), value(1), value(2)])
    })
}

/// Persons of [`celeba`], each with four pictures to train on; there are as many others with one to
/// validate and two to test.
pub const PERSONS: u32 = 6;
const SHOTS: u32 = 7;

/// A data set laid out as CelebA is published, in the folder `root`: two attributes, and pictures
/// that tell the person by their stripes.
pub fn celeba(root: &Path) -> Result<()> {
    let pictures = root.join("img_align_celeba");
    fs::create_dir_all(&pictures)?;
    let (mut partition, mut identity) = (String::new(), String::new());
    let mut attributes = format!("{}\nLoud Quiet\n", SHOTS * PERSONS);
    let mut landmarks = format!(
        "{}\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y \
         rightmouth_x rightmouth_y\n",
        SHOTS * PERSONS
    );
    for n in 0..SHOTS * PERSONS {
        let (person, shot) = (n / SHOTS, n % SHOTS);
        let name = format!("{:06}.png", n + 1);
        stripes(person, PERSONS, 178, 218).save(pictures.join(&name))?;
        let part = shot.saturating_sub(3).min(2);
        let number = if part == 0 { person } else { person + PERSONS };
        partition += &format!("{name} {part}\n");
        identity += &format!("{name} {}\n", 100 + number);
        let loud = if person % 2 == 0 { 1 } else { -1 };
        attributes += &format!("{name} {loud:2} {:2}\n", -loud);
        let shift = person * 2;
        let (left, right) = (70 + shift, 108 + shift);
        landmarks += &format!("{name} {left} 111 {right} 111 88 135 72 153 106 153\n");
    }
    fs::write(root.join("list_eval_partition.txt"), partition)?;
    fs::write(root.join("identity_CelebA.txt"), identity)?;
    fs::write(root.join("list_attr_celeba.txt"), attributes)?;
    fs::write(root.join("list_landmarks_align_celeba.txt"), landmarks)?;
    Ok(())
}
