//! `mde-train export-lpips` on a network with drawn weights, run by ONNX Runtime.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use common::{onnx_runtime, refusal, succeeds};
use ort::session::Session;
use ort::value::TensorRef;
use rand::RngExt;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use tempfile::TempDir;

/// Channels of each layer, and the places of its convolutions.
const LAYERS: [(usize, &[usize]); 5] = [
    (64, &[0, 2]),
    (128, &[5, 7]),
    (256, &[10, 12, 14]),
    (512, &[17, 19, 21]),
    (512, &[24, 26, 28]),
];
const SIDE: usize = 32;

/// A network whose layers all weigh `learned`, and the last one's first channel `first`.
fn write(path: &Path, learned: f32, first: f32) -> Result<()> {
    let mut rng: rand_pcg::Pcg64 = rand_pcg::Pcg64::new(1, 1);
    let mut tensors: HashMap<String, (Vec<usize>, Vec<u8>)> = HashMap::new();
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut inputs = 3;
    for (layer, (outputs, places)) in LAYERS.into_iter().enumerate() {
        for place in places {
            let bound = (6.0 / (9 * inputs) as f32).sqrt();
            let weight: Vec<f32> = (0..9 * inputs * outputs)
                .map(|_| rng.random_range(-bound..bound))
                .collect();
            let shape = vec![outputs, inputs, 3, 3];
            tensors.insert(format!("features.{place}.weight"), (shape, bytes(&weight)));
            let bias = (vec![outputs], bytes(&vec![0.0; outputs]));
            tensors.insert(format!("features.{place}.bias"), bias);
            inputs = outputs;
        }
        let mut weights = vec![learned; outputs];
        if layer == LAYERS.len() - 1 {
            weights[0] = first;
        }
        tensors.insert(
            format!("lin.{layer}.weight"),
            (vec![outputs], bytes(&weights)),
        );
    }
    let views = tensors.iter().map(|(name, (shape, values))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), values);
        (name, view.expect("as many bytes as values"))
    });
    Ok(serialize_to_file(views, None, path)?)
}

#[test]
fn the_exported_network_tells_blur_from_the_same_picture() -> Result<()> {
    let Some(runtime) = onnx_runtime() else {
        println!("skipped: no ONNX Runtime in .deps/onnxruntime/lib; run `make setup`");
        return Ok(());
    };
    let folder = TempDir::new()?;
    let folder = folder.path();
    let export = [
        "export-lpips",
        "--network",
        "net.safetensors",
        "--out",
        "lpips.onnx",
    ];
    write(&folder.join("net.safetensors"), 4.0, 4.0)?;
    succeeds(folder, &export)?;
    let environment = ort::init_from(&runtime)?.build()?;
    let mut session =
        Session::builder(&environment)?.commit_from_file(folder.join("lpips.onnx"))?;
    // Stripes, the same, and grey.
    let stripes = |i: usize| (i % SIDE % 4) as f32 / 3.0;
    let picture =
        |value: &dyn Fn(usize) -> f32| -> Vec<f32> { (0..3 * SIDE * SIDE).map(value).collect() };
    let pictures = [picture(&stripes), picture(&stripes), picture(&|_| 0.5)].concat();
    let tensor = TensorRef::from_array_view(([3, 3, SIDE, SIDE], pictures.as_slice()))?;
    let outputs = session.run(ort::inputs![tensor])?;
    let mut distances = [0.0; 2];
    for (k, (channels, _)) in LAYERS.into_iter().enumerate() {
        let (shape, values) = outputs[&*format!("features_{k}")].try_extract_tensor::<f32>()?;
        let side = SIDE >> k;
        assert_eq!(shape[..], [3, channels as i64, side as i64, side as i64]);
        let area = side * side;
        // Features are of unit length, times the root of what they weigh.
        for at in 0..area {
            let squares = (0..channels).map(|c| values[c * area + at].powi(2));
            let length = squares.sum::<f32>().sqrt();
            assert!((length - 2.0).abs() < 1e-2, "layer {k}: {length}");
        }
        for (n, distance) in (1..).zip(&mut distances) {
            let of = |n| &values[n * channels * area..][..channels * area];
            let squares = of(0).iter().zip(of(n)).map(|(a, b)| (a - b).powi(2));
            *distance += squares.sum::<f32>() / area as f32;
        }
    }
    assert_eq!(distances[0], 0.0);
    assert!(distances[1] > 0.1, "{distances:?}");

    write(&folder.join("net.safetensors"), 4.0, -1.0)?;
    let error = refusal(folder, &export)?;
    assert!(
        error.contains("'lin.4.weight' has a negative value, -1"),
        "{error}"
    );
    fs::write(folder.join("net.safetensors"), b"no tensors")?;
    let error = refusal(folder, &export)?;
    assert!(
        error.contains("expected a file of setup/lpips.sh"),
        "{error}"
    );
    Ok(())
}
