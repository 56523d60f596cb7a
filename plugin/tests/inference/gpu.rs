//! CUDA and TensorRT with the real `onnxruntime-gpu`, on machines without a GPU: they load, fail in
//! their own words, and the fallback policy decides. Each test runs in a process of its own, as a
//! process keeps the ONNX Runtime that it has loaded.

use std::path::{Path, PathBuf};

use gstmdecomplete::completer::{Completer, Config, ModelSource};
use gstmdecomplete::runtime::{self, FallbackPolicy, Provider, RuntimeError, RuntimeOptions};

use crate::models::Model;
use crate::runtime::{assert_success, child};
use crate::skip::skip;

/// The library that `make setup-gpu` fetches; says why the test is skipped where it is not there.
fn library() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.deps/onnxruntime-gpu/lib");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let found = files.map(|file| file.path()).find(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libonnxruntime.so")
    });
    if found.is_none() {
        skip(format!(
            "{} is not there, run `make setup-gpu`",
            folder.display()
        ));
    }
    if Path::new("/dev/nvidiactl").exists() {
        eprintln!("skipped: there is an NVIDIA GPU here");
        return None;
    }
    found
}

fn in_a_process_of_its_own(test: &str) {
    if let Some(library) = library() {
        let output = child(module_path!(), test, library.to_str());
        assert_success(&output);
    }
}

fn options(provider: Provider, fallback: FallbackPolicy) -> RuntimeOptions {
    RuntimeOptions {
        provider,
        fallback,
        ..Default::default()
    }
}

/// What a provider on a machine without a GPU complains of: a library of CUDA, cuDNN or TensorRT,
/// or the driver.
fn assert_own_words(provider: Provider, reason: &str) {
    let own = ["libcu", "libnvinfer", "CUDA", "TensorRT", "cudnn"];
    assert!(
        own.iter().any(|word| reason.contains(word)),
        "{provider}: {reason}"
    );
    let name = match provider {
        Provider::Cuda => "providers_cuda",
        _ => "providers_tensorrt",
    };
    assert!(
        reason.contains(name) || reason.contains("driver"),
        "{provider}: {reason}"
    );
}

#[test]
fn a_provider_without_a_gpu_fails_in_its_own_words() {
    in_a_process_of_its_own("fail_in_own_words");
}

#[test]
#[ignore = "run in a process of its own by a_provider_without_a_gpu_fails_in_its_own_words"]
fn fail_in_own_words() {
    let model = Model::mean_fill(16, 16).to_bytes();
    for provider in [Provider::Cuda, Provider::TensorRt] {
        match runtime::open(&model, &options(provider, FallbackPolicy::Error)) {
            Err(RuntimeError::Provider {
                provider: named,
                reason,
            }) => {
                assert_eq!(named, provider);
                assert_own_words(provider, &reason);
            }
            other => panic!("{provider}: {other:?}"),
        }
        let named = RuntimeOptions {
            device: Some("the big one".into()),
            ..options(provider, FallbackPolicy::Error)
        };
        let error = runtime::open(&model, &named).expect_err("no such device");
        assert!(
            error.to_string().contains("'the big one' is not the index"),
            "{error}"
        );
    }
}

#[test]
fn the_cpu_stands_in_for_a_gpu_that_is_not_there() {
    in_a_process_of_its_own("fall_back");
}

#[test]
#[ignore = "run in a process of its own by the_cpu_stands_in_for_a_gpu_that_is_not_there"]
fn fall_back() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    for (provider, tried) in [
        (Provider::Auto, vec![Provider::TensorRt, Provider::Cuda]),
        (Provider::TensorRt, vec![Provider::TensorRt, Provider::Cuda]),
        (Provider::Cuda, vec![Provider::Cuda]),
    ] {
        let config = Config {
            options: RuntimeOptions {
                cache_dir: Some(cache.path().to_owned()),
                ..options(provider, FallbackPolicy::Next)
            },
            ..Default::default()
        };
        let source = ModelSource::Memory(Model::mean_fill(16, 16).to_bytes().into());
        let completer = Completer::open(source, config, &mut |_| ()).expect("the CPU");
        assert_eq!(completer.active().provider, Provider::Cpu);
        let attempts = completer.attempts();
        for (attempt, provider) in attempts.iter().zip(&tried) {
            assert_eq!(attempt.provider, *provider);
            assert!(!attempt.taken);
            assert_own_words(*provider, &attempt.reason);
        }
        let last = attempts.last().expect("attempts");
        assert!(last.taken && last.provider == Provider::Cpu, "{attempts:?}");
    }
    // TensorRT would keep its engines in a folder that tells them apart.
    let folders: Vec<String> = std::fs::read_dir(cache.path())
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let [folder] = folders.as_slice() else {
        panic!("{folders:?}");
    };
    for part in ["-tensorrt-fp32-ort1.", "-default"] {
        assert!(folder.contains(part), "{folder}");
    }
}
