//! The way down the list of execution providers.

use std::collections::VecDeque;
use std::sync::Arc;

use ort::ErrorCode;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::backend::{Backend, Setup, backend};
use super::inspect::Facts;
use super::model::{Key, Model};
use super::{
    ActiveProvider, Attempt, FallbackPolicy, Library, Precision, Provider, RuntimeError,
    RuntimeOptions, Sessions, assignment, cache, cpu_features, library, words,
};

/// From the fastest to the one that is always there.
const ORDER: [Provider; 4] = Provider::ALL;

/// How long a thread without work spins before it sleeps. That bridges the gaps within a run: with
/// the embedded generator on 2 cores a run takes 4% less time, and no more of the CPU. To spin
/// between frames would take the cores of decoders and encoders.
const SPIN_MICROSECONDS: &str = "100";

/// The minor version of an ONNX Runtime that can bound the spinning; earlier ones spin for
/// milliseconds, so there no thread spins.
const BOUNDED_SPINNING: u32 = 31;

/// The providers that may still run a model, and what became of those before. A provider that
/// took the model and fails later is [refused](ProviderChain::refuse), and the way goes on.
#[derive(Clone, Debug)]
pub struct ProviderChain {
    library: &'static Library,
    options: RuntimeOptions,
    rest: VecDeque<Candidate>,
    attempts: Vec<Attempt>,
    /// What was chosen by more than its place in the list, and why.
    preferred: Option<(Candidate, String)>,
}

/// A way to run a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Never [`Provider::Auto`].
    pub provider: Provider,
    /// Number format.
    pub precision: Precision,
    /// Threads for one inference on a CPU; as the options say where it is not set.
    pub threads: Option<usize>,
}

impl ProviderChain {
    /// Stands before the first provider that `options` allow.
    ///
    /// # Errors
    /// [`RuntimeError::Library`]. A missing library is searched for again by the next call.
    pub fn new(options: &RuntimeOptions) -> Result<Self, RuntimeError> {
        Ok(Self {
            library: library::load()?,
            options: options.clone(),
            rest: candidates(options)
                .into_iter()
                .map(Candidate::from)
                .collect(),
            attempts: Vec::new(),
            preferred: None,
        })
    }

    /// Opens `model`, the bytes of an ONNX file, on the next provider that takes it; `watch` is
    /// told each provider before it is tried.
    ///
    /// # Errors
    /// [`RuntimeError`], all but `Library`.
    pub fn next(
        &mut self,
        model: &[u8],
        watch: &mut dyn FnMut(Provider),
    ) -> Result<Arc<Model>, RuntimeError> {
        let at_fault = |reason| RuntimeError::of_model(model.len(), reason);
        let facts = Facts::of(model).map_err(at_fault)?;
        while let Some(candidate) = self.rest.pop_front() {
            let provider = candidate.provider;
            let asked_for =
                provider == self.options.provider && candidate.precision == self.options.precision;
            watch(provider);
            let options = candidate.options(&self.options);
            match try_one(self.library, model, &facts, &options, asked_for) {
                Ok((opened, why)) => {
                    let reason = self.reason(&candidate, asked_for, &opened, &why);
                    self.attempts.push(Attempt {
                        provider,
                        taken: true,
                        reason,
                    });
                    return Ok(opened);
                }
                Err(Refusal::Model(reason)) => return Err(at_fault(reason)),
                Err(Refusal::Settings(error)) => return Err(error),
                Err(Refusal::Provider(reason)) => self.attempts.push(Attempt {
                    provider,
                    taken: false,
                    reason,
                }),
            }
        }
        Err(self.exhausted())
    }

    /// The ways to run a model on the CPU that the options leave open, where a choice among them is
    /// one of speed alone; none where a graphics card may come first, or nothing is left open.
    pub fn open_choices(&self) -> Vec<Candidate> {
        let is_installed = |provider| backend(provider).is_installed(self.library).is_ok();
        let gpus = self.rest.iter().map(|candidate| candidate.provider);
        let mut gpus = gpus.filter(|p| matches!(p, Provider::TensorRt | Provider::Cuda));
        if self.options.device.is_some() || gpus.any(is_installed) {
            return Vec::new();
        }
        let providers = match self.options.provider {
            Provider::Auto => vec![Provider::OpenVino, Provider::Cpu],
            asked @ (Provider::OpenVino | Provider::Cpu) => vec![asked],
            Provider::Cuda | Provider::TensorRt => Vec::new(),
        };
        let precisions = match self.options.precision {
            Precision::Auto => vec![Precision::Fp32, Precision::Bf16],
            asked => vec![asked],
        };
        let mut choices = Vec::new();
        for provider in providers.into_iter().filter(|p| is_installed(*p)) {
            for precision in &precisions {
                let candidate = Candidate {
                    provider,
                    precision: *precision,
                    threads: None,
                };
                let options = candidate.options(&self.options);
                if backend(provider).precision(&options).is_ok() {
                    choices.push(candidate);
                }
            }
        }
        choices
    }

    /// Tries `candidate` first, which was chosen for `reason`, the end of the sentence "openvino
    /// taken: ...".
    pub fn prefer(&mut self, candidate: Candidate, reason: String) {
        let is_other = |other: &Candidate| {
            other.provider != candidate.provider || candidate.provider == Provider::Cpu
        };
        self.rest.retain(is_other);
        self.rest.push_front(candidate);
        self.preferred = Some((candidate, reason));
    }

    /// The provider taken last has failed after all.
    pub fn refuse(&mut self, reason: String) {
        if let Some(last) = self.attempts.last_mut() {
            last.taken = false;
            last.reason = reason;
        }
    }

    /// Whether there is a provider left to try.
    pub fn has_next(&self) -> bool {
        !self.rest.is_empty()
    }

    /// What was considered, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The ONNX Runtime library in use.
    pub fn library(&self) -> &'static Library {
        self.library
    }

    /// Stands before the first step of `way` instead.
    #[cfg(test)]
    pub fn along(mut self, way: &[(Provider, Precision)]) -> Self {
        self.rest = way.iter().copied().map(Candidate::from).collect();
        self
    }

    /// Why `candidate` was taken, where `why` says why it computes in its precision.
    fn reason(&self, candidate: &Candidate, asked_for: bool, opened: &Model, why: &str) -> String {
        let (taken, all) = opened.nodes();
        let nodes = match taken == all {
            true => String::new(),
            false => format!("; it runs {taken} of the model's {all} nodes, the CPU the others"),
        };
        if let Some((measured, reason)) = &self.preferred
            && measured == candidate
        {
            return format!("{reason}{nodes}");
        }
        let role = match (self.options.provider, asked_for) {
            (Provider::Auto, _) => "the first that works",
            (_, true) => "asked for",
            (_, false) => "the next that works",
        };
        let precision = opened.active().precision;
        format!("{role}; computes in {precision}, {why}{nodes}")
    }

    fn exhausted(&self) -> RuntimeError {
        match (self.options.provider, self.attempts.last()) {
            (provider, Some(Attempt { reason, .. })) if provider != Provider::Auto => {
                RuntimeError::Provider {
                    provider,
                    reason: reason.clone(),
                }
            }
            _ => RuntimeError::Precision {
                precision: self.options.precision,
                attempts: self.attempts.clone(),
            },
        }
    }
}

impl Candidate {
    /// `options` narrowed to it.
    pub fn options(&self, options: &RuntimeOptions) -> RuntimeOptions {
        RuntimeOptions {
            provider: self.provider,
            precision: self.precision,
            threads: self.threads.or(options.threads),
            ..options.clone()
        }
    }
}

impl From<(Provider, Precision)> for Candidate {
    fn from((provider, precision): (Provider, Precision)) -> Self {
        Self {
            provider,
            precision,
            threads: None,
        }
    }
}

/// The providers and precisions to try, in order.
fn candidates(options: &RuntimeOptions) -> Vec<(Provider, Precision)> {
    let from_asked = ORDER
        .into_iter()
        .skip_while(|&p| options.provider != Provider::Auto && p != options.provider);
    let several = options.provider == Provider::Auto || options.fallback == FallbackPolicy::Next;
    let mut list: Vec<_> = from_asked
        .take(if several { ORDER.len() } else { 1 })
        .map(|provider| (provider, options.precision))
        .collect();
    let last_resort = (Provider::Cpu, Precision::Fp32);
    let can_compute = [Precision::Auto, Precision::Fp32].contains(&options.precision);
    if options.fallback == FallbackPolicy::Next && !can_compute {
        list.push(last_resort);
    }
    list
}

enum Refusal {
    /// The provider cannot be used; another one may.
    Provider(String),
    /// The model is at fault; no provider will run it.
    Model(String),
    /// A setting is at fault; no provider will make up for it.
    Settings(RuntimeError),
}

/// Opens the model on the one provider that `options` name, or finds that somebody has.
fn try_one(
    library: &Library,
    model: &[u8],
    facts: &Facts,
    options: &RuntimeOptions,
    asked_for: bool,
) -> Result<(Arc<Model>, String), Refusal> {
    let backend = backend(options.provider);
    if !asked_for {
        // A provider asked for by name speaks for itself.
        backend.is_installed(library).map_err(Refusal::Provider)?;
    }
    let (precision, why) = backend.precision(options).map_err(Refusal::Provider)?;
    let key = Key {
        fingerprint: facts.fingerprint,
        provider: options.provider,
        precision,
        device: options.device.clone(),
        threads: options.threads.unwrap_or_else(cpu_features::threads),
        cache_dir: options.cache_dir.clone(),
    };
    let open = || commit(library, model, facts, &key, backend);
    let opened = match options.sessions {
        Sessions::One => library.models().get_or_open(&key, 1, open)?,
        Sessions::AsCoresAllow => library.models().get_or_open(&key, places(&key), open)?,
        Sessions::Own => Arc::new(open()?),
    };
    Ok((opened, why))
}

/// Sessions of `key` that can run at once, at least 1.
fn places(key: &Key) -> usize {
    let is_on_cpu = match key.provider {
        Provider::Cpu => true,
        Provider::OpenVino => key.device.as_deref().is_none_or(|device| device == "CPU"),
        _ => false,
    };
    match is_on_cpu {
        true => (cpu_features::threads() / key.threads.max(1)).max(1),
        false => 1,
    }
}

/// Makes the session, and makes sure that the provider takes part in it.
fn commit(
    library: &Library,
    model: &[u8],
    facts: &Facts,
    key: &Key,
    backend: &dyn Backend,
) -> Result<Model, Refusal> {
    let cache = cache::folder(library, key, backend).map_err(Refusal::Settings)?;
    let setup = Setup {
        precision: key.precision,
        device: key.device.as_deref(),
        threads: key.threads,
        cache: cache.as_deref(),
        inputs: &facts.inputs,
    };
    let at_fault = |e| match key.provider {
        // What the CPU provider refuses is not a valid model: it runs all of ONNX.
        Provider::Cpu => Refusal::Model(words(e)),
        _ => Refusal::Provider(words(e)),
    };
    let builder = session_options(library, key.threads).map_err(at_fault)?;
    let mut builder = backend
        .append(library, builder, &setup)
        .map_err(Refusal::Provider)?;
    let session = builder.commit_from_memory(model).map_err(|e| {
        let damaged = matches!(
            e.code(),
            ErrorCode::InvalidProtobuf | ErrorCode::InvalidGraph | ErrorCode::NoModel
        );
        match damaged {
            true => Refusal::Model(words(e)),
            false => at_fault(e),
        }
    })?;
    let assigned =
        assignment::nodes_by_provider(&session).map_err(|e| Refusal::Provider(words(e)))?;
    let (taken, all) = assignment::share(&assigned, backend.name());
    if taken == 0 && all > 0 {
        return Err(Refusal::Provider(format!(
            "it takes none of the model's {all} nodes and leaves them to {}",
            assignment::list(&assigned)
        )));
    }
    let active = ActiveProvider {
        provider: key.provider,
        precision: key.precision,
    };
    Ok(Model::new(session, active, (taken, all)))
}

fn session_options(library: &Library, threads: usize) -> ort::Result<SessionBuilder> {
    let builder = Session::builder(library.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_intra_op_spinning(library.minor() >= BOUNDED_SPINNING)?
        .with_config_entry("session.intra_op.spin_duration_us", SPIN_MICROSECONDS)?
        .with_config_entry(assignment::RECORD, "1")?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Precision::{Auto as AnyPrecision, Bf16, Fp16, Fp32};
    use Provider::{Auto, Cpu, Cuda, OpenVino, TensorRt};

    fn order(
        provider: Provider,
        precision: Precision,
        fallback: FallbackPolicy,
    ) -> Vec<(Provider, Precision)> {
        candidates(&RuntimeOptions {
            provider,
            precision,
            fallback,
            ..Default::default()
        })
    }

    #[test]
    fn auto_goes_down_the_whole_list() {
        let all = [TensorRt, Cuda, OpenVino, Cpu].map(|p| (p, AnyPrecision));
        assert_eq!(order(Auto, AnyPrecision, FallbackPolicy::Next), all);
        assert_eq!(order(Auto, AnyPrecision, FallbackPolicy::Error), all);
    }

    #[test]
    fn a_provider_asked_for_comes_first_and_alone_under_error() {
        assert_eq!(
            order(Cuda, Fp32, FallbackPolicy::Next),
            [(Cuda, Fp32), (OpenVino, Fp32), (Cpu, Fp32)]
        );
        assert_eq!(order(Cuda, Fp32, FallbackPolicy::Error), [(Cuda, Fp32)]);
    }

    #[test]
    fn the_cpu_in_fp32_is_the_last_resort_for_a_precision() {
        assert_eq!(
            order(OpenVino, Bf16, FallbackPolicy::Next),
            [(OpenVino, Bf16), (Cpu, Bf16), (Cpu, Fp32)]
        );
        assert_eq!(
            order(Auto, Fp16, FallbackPolicy::Error),
            [TensorRt, Cuda, OpenVino, Cpu].map(|p| (p, Fp16))
        );
    }
}
