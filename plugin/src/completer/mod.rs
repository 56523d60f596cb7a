//! The generator as a service: crops and masks in, completed crops out.

mod batch;
mod calibration;
mod copied;
mod engine;
mod error;
mod group;
mod interrupt;
mod model_io;
mod rounds;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use mde_core::contract::Contract;

pub use batch::{Batch, CompletedMut};
pub use copied::{Copied, CopiedMut};
pub use error::CompleterError;
pub use group::Sharing;
pub use interrupt::Interrupt;
pub use model_io::{Hints, MaskMeaning};

use crate::runtime::{
    ActiveProvider, Attempt, FallbackPolicy, Library, Provider, ProviderChain, RuntimeError,
    RuntimeOptions,
};
use engine::Engine;
use group::Membership;

/// Where a model comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// The bytes of an ONNX file.
    Memory(Cow<'static, [u8]>),
    /// An ONNX file.
    File(PathBuf),
}

/// What is asked of a completer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where the generator runs.
    pub options: RuntimeOptions,
    /// How it is fed, where it does not say it itself.
    pub hints: Hints,
    /// The numbers of crops that will occur beside 1, as far as they are known: prepared for at
    /// the start.
    pub crops: Vec<usize>,
    /// Nobody where it is not set.
    pub sharing: Option<Sharing>,
    /// Where is kept what was found out by measuring; where it is not set nothing is measured, and
    /// the providers have their fixed order.
    pub calibration: Option<PathBuf>,
}

/// A step on the way to a generator that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The model is tried out on a provider, as no other start has done so on this machine.
    Measuring(Provider),
    /// The model is opened, and compiled where the provider does that.
    Opening(Provider),
    /// The model is run for the first time on this many crops.
    WarmingUp(ActiveProvider, usize),
}

/// A generator on an execution provider.
#[derive(Debug)]
pub struct Completer {
    source: ModelSource,
    config: Config,
    chain: ProviderChain,
    engine: Engine,
    /// Nothing where it runs alone.
    membership: Option<Membership>,
}

impl ModelSource {
    fn read(&self) -> Result<Cow<'_, [u8]>, CompleterError> {
        match self {
            Self::Memory(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::File(file) => match crate::file::read(file) {
                Ok(bytes) => Ok(Cow::Owned(bytes)),
                Err(reason) => Err(CompleterError::Read {
                    file: file.clone(),
                    reason,
                }),
            },
        }
    }
}

impl fmt::Debug for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            Self::File(file) => write!(f, "File({})", file.display()),
        }
    }
}

impl Completer {
    /// Opens the model and runs it once, on the first provider with which both succeed; `watch` is
    /// told the steps.
    ///
    /// # Errors
    /// [`CompleterError`], all but `Size`, `Run` and `Died`.
    pub fn open(
        source: ModelSource,
        config: Config,
        watch: &mut dyn FnMut(Step),
    ) -> Result<Self, CompleterError> {
        let mut chain = ProviderChain::new(&config.options)?;
        let _measured = match &config.calibration {
            Some(folder) => {
                calibration::choose(&mut chain, &source.read()?, &config, folder, watch)
            }
            None => None,
        };
        Self::open_on(chain, source, config, watch)
    }

    fn open_on(
        mut chain: ProviderChain,
        source: ModelSource,
        config: Config,
        watch: &mut dyn FnMut(Step),
    ) -> Result<Self, CompleterError> {
        let engine = next_engine(&mut chain, &source, &config, watch)?;
        Ok(Self {
            membership: membership(&config, &engine),
            source,
            config,
            chain,
            engine,
        })
    }

    /// Width and height of a crop in pixels.
    pub fn size(&self) -> (usize, usize) {
        self.engine.size()
    }

    /// What the model says of itself, if anything.
    pub fn contract(&self) -> Option<&Contract> {
        self.engine.contract()
    }

    /// An empty batch for its crops.
    pub fn batch(&self) -> Batch {
        self.engine.batch()
    }

    /// Whether it is shown views.
    pub fn takes_views(&self) -> bool {
        self.engine.io().takes_views
    }

    /// Where it runs.
    pub fn active(&self) -> ActiveProvider {
        self.engine.model().active()
    }

    /// Which providers were considered, in order; the last one was taken.
    pub fn attempts(&self) -> &[Attempt] {
        self.chain.attempts()
    }

    /// The ONNX Runtime library in use.
    pub fn library(&self) -> &'static Library {
        self.chain.library()
    }

    /// Completes all crops of `batch`. What lies under the holes does not matter: the generator
    /// does not see it.
    ///
    /// Where the provider fails and the policy allows it, the next one takes over and completes
    /// the same batch; [`Self::active`] and [`Self::attempts`] then tell of it.
    ///
    /// A crop whose completion holds a NaN or an infinity does not fail the batch:
    /// [`Batch::completed`] gives nothing for it.
    ///
    /// # Errors
    /// [`CompleterError::Size`], [`CompleterError::Run`] and [`CompleterError::Died`]; the batch
    /// then holds no completions.
    pub fn complete(&mut self, batch: &mut Batch) -> Result<(), CompleterError> {
        if batch.size() != self.size() {
            return Err(CompleterError::Size {
                batch: batch.size(),
                generator: self.size(),
            });
        }
        let outcome = match &self.membership {
            Some(membership) => membership.complete(&mut self.engine, batch),
            None => self.engine.run(batch),
        };
        outcome.or_else(|reason| self.complete_elsewhere(batch, reason))
    }

    /// Completes `batch` on the next provider that can, and stays with it. Where none can, all
    /// stays as it was, for the fault may be the batch's.
    fn complete_elsewhere(
        &mut self,
        batch: &mut Batch,
        reason: String,
    ) -> Result<(), CompleterError> {
        let active = self.active();
        if self.config.options.fallback == FallbackPolicy::Error {
            return Err(CompleterError::Died { active, reason });
        }
        let mut chain = self.chain.clone();
        chain.refuse(reason.clone());
        while chain.has_next()
            && let Ok(mut engine) = next_engine(&mut chain, &self.source, &self.config, &mut |_| ())
            && engine.size() == batch.size()
        {
            match engine.run(batch) {
                Ok(()) => {
                    self.membership = membership(&self.config, &engine);
                    self.engine = engine;
                    self.chain = chain;
                    return Ok(());
                }
                Err(reason) => chain.refuse(reason),
            }
        }
        Err(CompleterError::Run {
            crops: batch.len(),
            active,
            reason,
        })
    }
}

/// Why a provider is passed over whose format the model's values do not fit in.
const NO_NUMBERS: &str = "it completes with values that are no numbers (NaN or infinity)";

fn membership(config: &Config, engine: &Engine) -> Option<Membership> {
    let sharing = config.sharing.as_ref();
    sharing.map(|sharing| Membership::new(sharing, engine))
}

/// The generator on the next provider that opens it and runs it.
fn next_engine(
    chain: &mut ProviderChain,
    source: &ModelSource,
    config: &Config,
    watch: &mut dyn FnMut(Step),
) -> Result<Engine, CompleterError> {
    let bytes = source.read()?;
    loop {
        let model = chain.next(&bytes, &mut |provider| watch(Step::Opening(provider)))?;
        let active = model.active();
        let mut engine = Engine::new(model, &config.hints)?;
        // A model that fixes the number has seen all there is with the first run.
        let is_open = engine.io().crops.is_none();
        let sizes = config.crops.iter().copied().filter(|_| is_open);
        let outcome = [1].into_iter().chain(sizes).try_for_each(|crops| {
            watch(Step::WarmingUp(active, crops));
            match engine.warm_up(crops)? {
                // On the CPU it is the model's fault, or that of a picture that nobody has.
                false if active.provider != Provider::Cpu => Err(NO_NUMBERS.to_owned()),
                _ => Ok(()),
            }
        });
        match outcome {
            Ok(()) => return Ok(engine),
            Err(reason) if active.provider == Provider::Cpu => {
                return Err(RuntimeError::of_model(bytes.len(), reason).into());
            }
            Err(reason) => chain.refuse(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Precision;
    use crate::skip::skip;

    const MODEL: &[u8] = include_bytes!("../../models/face.onnx");

    /// The embedded generator with a way of `providers` sessions on the CPU, and a batch; nothing
    /// where there is no ONNX Runtime.
    fn completer(providers: usize, fallback: FallbackPolicy) -> Option<(Completer, Batch)> {
        let config = Config {
            options: RuntimeOptions {
                provider: Provider::Cpu,
                fallback,
                ..Default::default()
            },
            ..Default::default()
        };
        let chain = match ProviderChain::new(&config.options) {
            Ok(chain) => chain.along(&vec![(Provider::Cpu, Precision::Auto); providers]),
            Err(e) => {
                skip(e);
                return None;
            }
        };
        let source = ModelSource::Memory(MODEL.into());
        let completer = Completer::open_on(chain, source, config, &mut |_| ());
        let completer = completer.expect("a generator");
        let mut batch = Batch::new(completer.size());
        batch.resize(1);
        let (image, mask) = batch.crop_mut(0);
        for (i, (value, known)) in image.iter_mut().zip(mask).enumerate() {
            *value = (i % 251) as f32 / 250.0;
            *known = f32::from(u8::from(i % 96 < 48));
        }
        Some((completer, batch))
    }

    #[test]
    fn the_next_provider_completes_the_batch_that_the_first_one_failed_on() {
        let Some((mut completer, mut batch)) = completer(3, FallbackPolicy::Next) else {
            return;
        };
        completer.complete(&mut batch).expect("a completion");
        let wanted = batch.completed(0).expect("a picture").to_vec();

        for failed in 1..=2 {
            completer.engine.break_down();
            completer
                .complete(&mut batch)
                .expect("a completion elsewhere");
            assert_eq!(batch.completed(0), Some(wanted.as_slice()));
            let attempts = completer.attempts();
            assert_eq!(attempts.len(), failed + 1);
            assert!(attempts[failed].taken);
            let before = &attempts[failed - 1];
            assert!(
                !before.taken && before.reason.contains("terminate"),
                "{before}"
            );
        }
        // It stays with the last one.
        completer.complete(&mut batch).expect("a completion");
        assert_eq!(completer.attempts().len(), 3);

        completer.engine.break_down();
        let error = completer.complete(&mut batch).expect_err("none is left");
        assert!(matches!(error, CompleterError::Run { .. }), "{error}");
        assert_eq!(batch.completed(0), None);
    }

    #[test]
    fn no_other_provider_stands_in_where_the_policy_forbids_it() {
        let Some((mut completer, mut batch)) = completer(2, FallbackPolicy::Error) else {
            return;
        };
        completer.engine.break_down();
        let error = completer.complete(&mut batch).expect_err("a failure");
        assert!(matches!(error, CompleterError::Died { .. }), "{error}");
        assert!(error.to_string().contains("terminate"), "{error}");
    }
}
