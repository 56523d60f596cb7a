//! Choosing by measuring: which provider, precision and number of threads complete a crop soonest on
//! this machine, while decoders and encoders use it too.

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::engine::Engine;
use super::model_io::Hints;
use super::{Config, Step};
use crate::runtime::{self, Candidate, Model, Precision, Provider, ProviderChain, RuntimeOptions};

/// No further way is tried after this.
const BUDGET: Duration = Duration::from_millis(1500);

/// One way is measured for this long, or until it has run [`RUNS`] times.
const TIME: Duration = Duration::from_millis(150);

/// Runs of one way.
const RUNS: usize = 7;

/// What was measured of a way to run the model.
#[derive(Clone, Debug, PartialEq)]
struct Measurement {
    candidate: Candidate,
    milliseconds: f64,
}

/// Lets `chain` begin with the way that is soonest for `model`, as a file in `folder` says or as is
/// measured now and kept there. Where nothing is left open to choose, or nothing can be measured,
/// it stays as it is.
///
/// The model that was measured is given back so that it need not be opened again.
pub fn choose(
    chain: &mut ProviderChain,
    model: &[u8],
    config: &Config,
    folder: &Path,
    watch: &mut dyn FnMut(Step),
) -> Option<Arc<Model>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    let choices = chain.open_choices();
    let is_open = config.options.threads.is_none() && runtime::cpu_threads() > 1;
    let ways = match is_open {
        true => 2 * choices.len(),
        false => choices.len(),
    };
    if ways < 2 {
        return None;
    }
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let file = folder.join(name(chain, model, &config.options));
    if let Some((candidate, reason)) = read(&file) {
        chain.prefer(candidate, format!("{reason} (at an earlier start)"));
        return None;
    }
    if is_overloaded() {
        // Nothing could be told from it; the next start is another chance.
        return None;
    }
    let measuring = Measuring::of(choices, is_open, model, config, watch);
    let best = measuring.fastest()?;
    let mut reason = measuring.reason();
    if measuring.is_cut_short {
        // A machine that was busy now may not be so the next time.
        reason += " (no time for others)";
    } else {
        // Where it cannot be kept it is measured again.
        let _ = write(&file, best, &reason);
    }
    chain.prefer(best, reason);
    measuring.best.map(|(model, _)| model)
}

/// Ways tried out so far.
struct Measuring<'a> {
    model: &'a [u8],
    config: &'a Config,
    start: Instant,
    done: Vec<Measurement>,
    /// The fastest, kept open.
    best: Option<(Arc<Model>, f64)>,
    /// Whether there was no time for all.
    is_cut_short: bool,
}

impl<'a> Measuring<'a> {
    /// Measures `choices`, and the fastest with fewer threads too where their number `is_open`.
    fn of(
        choices: Vec<Candidate>,
        is_open: bool,
        model: &'a [u8],
        config: &'a Config,
        watch: &mut dyn FnMut(Step),
    ) -> Self {
        let mut measuring = Self {
            model,
            config,
            start: Instant::now(),
            done: Vec::new(),
            best: None,
            is_cut_short: false,
        };
        for candidate in choices {
            watch(Step::Measuring(candidate.provider));
            measuring.try_out(candidate);
        }
        if let (Some(best), true) = (measuring.fastest(), is_open) {
            let mut threads = vec![runtime::cpu_threads().div_ceil(2), 1];
            threads.dedup();
            for threads in threads {
                measuring.try_out(Candidate {
                    threads: Some(threads),
                    ..best
                });
            }
        }
        measuring
    }

    /// Measures one way, unless there is no time left or it does not work.
    fn try_out(&mut self, mut candidate: Candidate) {
        let threads = candidate.threads.or(self.config.options.threads);
        candidate.threads = Some(threads.unwrap_or_else(runtime::cpu_threads));
        let is_done = self.done.iter().any(|done| done.candidate == candidate);
        if is_done {
            return;
        }
        if self.start.elapsed() > BUDGET {
            self.is_cut_short = true;
            return;
        }
        let options = candidate.options(&self.config.options);
        if let Some((model, milliseconds)) = measure(self.model, &options, &self.config.hints) {
            if self
                .best
                .as_ref()
                .is_none_or(|(_, best)| milliseconds < *best)
            {
                self.best = Some((model, milliseconds));
            }
            self.done.push(Measurement {
                candidate,
                milliseconds,
            });
        }
    }

    fn fastest(&self) -> Option<Candidate> {
        let order = |a: &&Measurement, b: &&Measurement| a.milliseconds.total_cmp(&b.milliseconds);
        self.done.iter().min_by(order).map(|done| done.candidate)
    }

    /// For the sentence "openvino taken: ...".
    fn reason(&self) -> String {
        let mut done = self.done.clone();
        done.sort_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
        let list: Vec<String> = done.iter().map(Measurement::to_string).collect();
        format!("measured on this machine: {}", list.join(", "))
    }
}

impl std::fmt::Display for Measurement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Candidate {
            provider,
            precision,
            threads,
        } = self.candidate;
        let threads = match threads {
            Some(1) | None => "1 thread".to_owned(),
            Some(threads) => format!("{threads} threads"),
        };
        write!(
            f,
            "{provider} {precision} with {threads} {:.1} ms",
            self.milliseconds
        )
    }
}

/// The model opened with `options`, and the median time of a run on one crop, in milliseconds, while
/// half of the processors are busy.
fn measure(model: &[u8], options: &RuntimeOptions, hints: &Hints) -> Option<(Arc<Model>, f64)> {
    let options = RuntimeOptions {
        fallback: runtime::FallbackPolicy::Error,
        ..options.clone()
    };
    let model = runtime::open(model, &options).ok()?;
    let mut engine = Engine::new(Arc::clone(&model), hints).ok()?;
    if !engine.warm_up(1).ok()? {
        return None;
    }
    let mut batch = engine.made_up(1);
    let _others = Busy::start(runtime::usable_cpus().div_ceil(2));
    let start = Instant::now();
    let mut times = Vec::with_capacity(RUNS);
    while times.len() < RUNS && (times.len() < 2 || start.elapsed() < TIME) {
        let run = Instant::now();
        engine.run(&mut batch).ok()?;
        times.push(run.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Some((model, times[times.len() / 2]))
}

/// Threads that keep processors busy until this is dropped, as decoders and encoders do.
struct Busy {
    is_over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Busy {
    fn start(threads: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let work = |is_over: Arc<AtomicBool>| {
            let mut values = [1u32; 4096];
            while !is_over.load(Ordering::Relaxed) {
                for value in &mut values {
                    *value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                }
                black_box(&values);
            }
        };
        let start = |_| {
            let is_over = Arc::clone(&is_over);
            let thread = thread::Builder::new().name("calibration".into());
            thread.spawn(move || work(is_over)).ok()
        };
        let threads = (0..threads).filter_map(start).collect();
        Self { is_over, threads }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Whether more programs wait for a processor than run, by the kernel's mean over a minute.
fn is_overloaded() -> bool {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().and_then(|load| load.parse().ok());
    load.is_some_and(|load: f64| load > 2.0 * runtime::usable_cpus() as f64)
}

/// The name of the file for `model` with `options`: what was measured holds for this model, release
/// of the runtime, CPU and number of processors, and for what the user leaves open.
fn name(chain: &ProviderChain, model: &[u8], options: &RuntimeOptions) -> PathBuf {
    let facts = format!(
        "{}\n{}\n{}\n{}\n{} {} {:?}",
        runtime::digest(model),
        chain.library().release(),
        runtime::cpu_name(),
        runtime::usable_cpus(),
        options.provider,
        options.precision,
        options.threads,
    );
    format!("{}.json", &runtime::digest(facts)[..32]).into()
}

fn read(file: &Path) -> Option<(Candidate, String)> {
    let record: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let provider = record["provider"].as_str()?;
    let precision = record["precision"].as_str()?;
    let threads = record["threads"].as_u64().and_then(|n| n.try_into().ok())?;
    let candidate = Candidate {
        provider: *Provider::ALL.iter().find(|p| p.to_string() == provider)?,
        precision: *Precision::ALL.iter().find(|p| p.to_string() == precision)?,
        threads: Some(threads),
    };
    (1..=1024).contains(&threads).then_some(())?;
    Some((candidate, record["reason"].as_str()?.to_owned()))
}

fn write(file: &Path, best: Candidate, reason: &str) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)?;
    let record = json!({
        "provider": best.provider.to_string(),
        "precision": best.precision.to_string(),
        "threads": best.threads,
        "reason": reason,
    });
    // Another process may do the same.
    let mut aside = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(aside, "{record:#}")?;
    aside.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completer::{Completer, ModelSource};
    use crate::skip::skip;

    #[test]
    fn what_was_kept_is_read_and_what_is_damaged_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("below").join("a.json");
        let best = Candidate {
            provider: Provider::OpenVino,
            precision: Precision::Fp32,
            threads: Some(3),
        };
        assert_eq!(read(&file), None);
        write(&file, best, "measured").expect("a file");
        assert_eq!(read(&file), Some((best, "measured".into())));
        for damage in [
            "",
            "{}",
            r#"{"provider":"cpu","precision":"fp32","threads":0}"#,
        ] {
            fs::write(&file, damage).expect("a file");
            assert_eq!(read(&file), None);
        }
    }

    const MODEL: &[u8] = include_bytes!("../../models/face.onnx");

    /// The way of the embedded generator; nothing where there is no ONNX Runtime.
    fn chain(options: &RuntimeOptions) -> Option<ProviderChain> {
        ProviderChain::new(options)
            .inspect_err(|e| skip(e.to_string()))
            .ok()
    }

    fn open(config: Config) -> Completer {
        let source = ModelSource::Memory(MODEL.into());
        Completer::open(source, config, &mut |_| ()).expect("a generator")
    }

    #[test]
    fn ways_that_are_open_are_measured_and_the_fastest_is_taken() {
        let config = Config::default();
        let Some(mut chain) = chain(&config.options) else {
            return;
        };
        let choices = chain.open_choices();
        assert!(choices.iter().any(|c| c.provider == Provider::Cpu));
        let mut steps = Vec::new();
        let measuring = Measuring::of(choices, true, MODEL, &config, &mut |step| steps.push(step));
        assert!(matches!(steps.first(), Some(Step::Measuring(_))));
        let best = measuring.fastest().expect("one that works");
        for done in &measuring.done {
            assert!(done.milliseconds > 0.0, "{done}");
        }
        chain.prefer(best, measuring.reason());
        let opened = chain.next(MODEL, &mut |_| ()).expect("a model");
        assert_eq!(opened.active().provider, best.provider);
        assert_eq!(opened.active().precision, best.precision);
        let reason = &chain.attempts().last().expect("an attempt").reason;
        assert!(reason.starts_with("measured on this machine: "), "{reason}");
    }

    #[test]
    fn what_was_kept_is_taken_at_a_later_start_unless_the_user_says_otherwise() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            calibration: Some(folder.path().to_owned()),
            ..Config::default()
        };
        let Some(chain) = chain(&config.options) else {
            return;
        };
        let kept = Candidate {
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            threads: Some(1),
        };
        let file = folder.path().join(name(&chain, MODEL, &config.options));
        write(&file, kept, "measured").expect("a file");
        let reason = |completer: &Completer| {
            let attempt = completer.attempts().last().expect("an attempt");
            assert_eq!(attempt.provider, Provider::Cpu);
            attempt.reason.clone()
        };
        let by_default = open(config.clone());
        assert_eq!(reason(&by_default), "measured (at an earlier start)");

        let asked = RuntimeOptions {
            provider: Provider::Cpu,
            threads: Some(2),
            ..RuntimeOptions::default()
        };
        let asked = open(Config {
            options: asked,
            ..config
        });
        assert!(reason(&asked).starts_with("asked for"));
        let files = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(files, 1, "nothing was measured");
    }

    #[test]
    fn the_fastest_is_told_with_all_that_were_measured() {
        let of = |provider, threads, milliseconds| Measurement {
            candidate: Candidate {
                provider,
                precision: Precision::Fp32,
                threads: Some(threads),
            },
            milliseconds,
        };
        let measuring = Measuring {
            model: &[],
            config: &Config::default(),
            start: Instant::now(),
            done: vec![of(Provider::Cpu, 2, 20.04), of(Provider::OpenVino, 1, 17.0)],
            best: None,
            is_cut_short: false,
        };
        let fastest = measuring.fastest().expect("a candidate");
        assert_eq!(fastest.provider, Provider::OpenVino);
        assert_eq!(
            measuring.reason(),
            "measured on this machine: openvino fp32 with 1 thread 17.0 ms, cpu fp32 with 2 \
             threads 20.0 ms"
        );
    }
}
