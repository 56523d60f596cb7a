//! Finding ONNX Runtime and choosing an execution provider, for real. What depends on the
//! environment of a process, or on how it ends, runs in a process of its own.

use std::process::{Command, Output};

use crate::models::{Model, cpu, open, with_runtime};
use crate::skip::skip;
use gstmdecomplete::completer::Batch;
use gstmdecomplete::runtime::{
    self, FallbackPolicy, Precision, Provider, ProviderChain, RuntimeError, RuntimeOptions,
};

fn options(provider: Provider, precision: Precision, fallback: FallbackPolicy) -> RuntimeOptions {
    RuntimeOptions {
        provider,
        precision,
        fallback,
        ..Default::default()
    }
}

/// The way down the list of providers for a small model, up to the first that takes it.
fn first_that_works(options: &RuntimeOptions) -> ProviderChain {
    let mut chain = ProviderChain::new(options).expect("ONNX Runtime");
    chain
        .next(&Model::mean_fill(16, 16).to_bytes(), &mut |_| ())
        .expect("a provider");
    chain
}

/// The largest deviation of [`Model::mix`] from its value in exact arithmetic.
fn deviation(options: &RuntimeOptions) -> f32 {
    let model = Model::mix(32, 32).to_bytes();
    let mut completer = open(&model, options).expect("a generator");
    let mut batch = Batch::new(completer.size());
    batch.resize(1);
    let value = |i: usize| (i as f32 * 0.618_034).fract();
    for (i, v) in batch.crop_mut(0).0.iter_mut().enumerate() {
        *v = value(i);
    }
    completer.complete(&mut batch).expect("a completion");
    let completed = batch.completed(0).expect("a finite completion");
    let plane = 32 * 32;
    let exact = |c: usize, i: usize| {
        let channel = |c: usize| value(c * plane + i);
        channel(c) + (channel((c + 1) % 3) + channel((c + 2) % 3)) / 3.0
    };
    (0..3 * plane)
        .map(|i| (completed[i] - exact(i / plane, i % plane)).abs())
        .fold(0.0, f32::max)
}

/// OpenVINO in this precision; where it is missing the test is skipped. There is none for ARM.
fn openvino(precision: Precision) -> Option<RuntimeOptions> {
    let options = options(Provider::OpenVino, precision, FallbackPolicy::Error);
    match runtime::open(&Model::mean_fill(16, 16).to_bytes(), &options) {
        Ok(opened) => {
            assert_eq!(opened.active().provider, Provider::OpenVino);
            Some(options)
        }
        // What the processor lacks no set-up can mend.
        Err(e) if e.to_string().contains("needs a CPU with") => {
            println!("skipped: {e}");
            None
        }
        Err(e) if cfg!(target_arch = "x86_64") => {
            skip(e);
            None
        }
        Err(_) => None,
    }
}

#[test]
fn each_provider_computes_in_the_precision_it_reports() {
    with_runtime(|| {
        assert!(deviation(&cpu()) < 1e-6);
        if let Some(fp32) = openvino(Precision::Fp32) {
            assert!(deviation(&fp32) < 1e-6);
        }
        if let Some(bf16) = openvino(Precision::Bf16) {
            let rounding = deviation(&bf16);
            assert!((1e-4..2e-2).contains(&rounding), "{rounding}");
        }
        // A registered OpenVINO must not slip under sessions of the CPU provider.
        assert!(deviation(&cpu()) < 1e-6);
    });
}

#[test]
fn auto_reports_what_it_passed_over_and_what_it_took() {
    with_runtime(|| {
        let model = Model::mean_fill(16, 16).to_bytes();
        let active = runtime::open(&model, &RuntimeOptions::default())
            .expect("auto always ends at the CPU")
            .active();
        let chain = first_that_works(&RuntimeOptions::default());
        let (taken, passed_over) = chain.attempts().split_last().expect("attempts");
        assert!(taken.taken);
        assert_eq!(taken.provider, active.provider);
        assert_ne!(active.precision, Precision::Auto);
        for attempt in passed_over {
            assert!(!attempt.taken);
            assert!(!attempt.reason.is_empty());
        }
        assert!(chain.library().path().is_absolute());
    });
}

#[test]
fn a_provider_that_is_not_there_fails_or_falls_back() {
    with_runtime(|| {
        let model = Model::mean_fill(16, 16).to_bytes();
        for provider in [Provider::Cuda, Provider::TensorRt] {
            let strict = options(provider, Precision::Auto, FallbackPolicy::Error);
            let reason = match runtime::open(&model, &strict) {
                Ok(_) => return eprintln!("skipped: {provider} works here"),
                Err(RuntimeError::Provider { reason, .. }) => reason,
                Err(e) => panic!("{e}"),
            };
            let next = options(provider, Precision::Auto, FallbackPolicy::Next);
            let chain = first_that_works(&next);
            let attempts = chain.attempts();
            assert_eq!(attempts[0].provider, provider);
            assert_eq!(attempts[0].reason, reason);
            assert!(attempts.last().is_some_and(|a| a.taken));
        }
    });
}

#[test]
fn a_precision_that_cannot_be_had_fails_or_falls_back() {
    with_runtime(|| {
        let model = Model::mean_fill(16, 16).to_bytes();
        let strict = options(Provider::Cpu, Precision::Fp16, FallbackPolicy::Error);
        let error = runtime::open(&model, &strict).expect_err("fp16 on the CPU");
        assert!(error.to_string().contains("not in fp16"), "{error}");

        let next = options(Provider::Cpu, Precision::Fp16, FallbackPolicy::Next);
        let opened = runtime::open(&model, &next).expect("fp32 on the CPU");
        assert_eq!(opened.active().provider, Provider::Cpu);
        assert_eq!(opened.active().precision, Precision::Fp32);
    });
}

/// Runs an ignored test of `module` in a new process with `MDECOMPLETE_ORT` set to `library`.
pub fn child(module: &str, test: &str, library: Option<&str>) -> Output {
    let program = std::env::current_exe().expect("the path of this program");
    let mut command = Command::new(program);
    let module = module.split_once("::").map_or("", |(_, module)| module);
    let test = format!("{module}::{test}");
    command.args(["--exact", &test, "--ignored", "--nocapture"]);
    match library {
        Some(library) => command.env("MDECOMPLETE_ORT", library),
        None => command.env_remove("MDECOMPLETE_ORT"),
    };
    command.output().expect("this program runs once more")
}

pub fn assert_success(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{text}", output.status);
    assert!(text.contains("1 passed"), "the test did not run:\n{text}");
}

#[test]
fn processes_end_cleanly() {
    with_runtime(|| {
        for test in ["run_on_cpu", "run_on_openvino", "run_on_missing_provider"] {
            assert_success(&child(module_path!(), test, None));
        }
    });
}

#[test]
fn a_file_named_in_the_environment_is_used_or_refused() {
    with_runtime(|| {
        for test in ["refuse_named_library", "retry_after_refusal"] {
            assert_success(&child(module_path!(), test, Some("/nowhere/ort.so")));
        }
    });
}

#[test]
fn telemetry_is_off_before_the_library_is_loaded() {
    with_runtime(|| {
        let output = child(module_path!(), "ask_for_telemetry", None);
        assert_success(&output);
    });
}

#[test]
#[ignore = "run in a process of its own by telemetry_is_off_before_the_library_is_loaded"]
fn ask_for_telemetry() {
    // SAFETY: the only test of this process; no other thread reads the environment.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "0") };
    deviation(&cpu());
    assert_eq!(std::env::var("ORT_DISABLE_TELEMETRY").as_deref(), Ok("1"));
}

/// A library that says it is an ONNX Runtime from before the oldest that serves.
const OLD_LIBRARY: &str = r#"
static const void *api(unsigned version) { (void)version; return 0; }
static const char *version(void) { return "1.17.3"; }
static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
const void *OrtGetApiBase(void) { return &base; }
"#;

#[test]
fn a_library_that_is_too_old_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("old.c");
    let library = folder.path().join("libonnxruntime.so");
    std::fs::write(&source, OLD_LIBRARY).expect("a file");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    match compiled {
        Ok(status) => assert!(status.success(), "{status}"),
        Err(e) => return skip(format!("there is no C compiler 'cc': {e}")),
    }
    let output = child(module_path!(), "refuse_old_library", library.to_str());
    assert_success(&output);
}

#[test]
#[ignore = "run in a process of its own by a_library_that_is_too_old_is_refused"]
fn refuse_old_library() {
    let error = runtime::open(&Model::mean_fill(16, 16).to_bytes(), &cpu());
    let message = error.expect_err("an old library").to_string();
    for part in ["1.17.3 is too old", "1.24 or later", "MDECOMPLETE_ORT"] {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
}

#[test]
#[ignore = "run in a process of its own by processes_end_cleanly"]
fn run_on_cpu() {
    assert!(deviation(&cpu()) < 1e-6);
}

#[test]
#[ignore = "run in a process of its own by processes_end_cleanly"]
fn run_on_openvino() {
    if let Some(options) = openvino(Precision::Auto) {
        assert!(deviation(&options) < 2e-2);
    }
}

#[test]
#[ignore = "run in a process of its own by processes_end_cleanly"]
fn run_on_missing_provider() {
    let next = options(Provider::TensorRt, Precision::Fp32, FallbackPolicy::Next);
    assert!(deviation(&next) < 1e-4);
}

#[test]
#[ignore = "run in a process of its own by a_file_named_in_the_environment_is_used_or_refused"]
fn refuse_named_library() {
    let error = runtime::open(&Model::mean_fill(16, 16).to_bytes(), &cpu())
        .expect_err("there is no such file");
    let message = error.to_string();
    assert!(
        message.starts_with("MDECOMPLETE_ORT names /nowhere/ort.so: no such file"),
        "{message}"
    );
}

#[test]
#[ignore = "run in a process of its own by a_file_named_in_the_environment_is_used_or_refused"]
fn retry_after_refusal() {
    let model = Model::mean_fill(16, 16).to_bytes();
    runtime::open(&model, &cpu()).expect_err("there is no such file");
    // SAFETY: the only test of this process; no other thread reads the environment.
    unsafe { std::env::remove_var("MDECOMPLETE_ORT") };
    let note = || first_that_works(&cpu()).library().note_if_not_asked_for();
    assert_eq!(note(), None);

    // SAFETY: as above.
    unsafe { std::env::set_var("MDECOMPLETE_ORT", "/nowhere/ort.so") };
    let note = note().expect("a note that the loaded library is not the named one");
    assert!(note.contains("/nowhere/ort.so"), "{note}");
}
