//! Choosing an execution provider, and falling back.

use ort::ErrorCode;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::{
    ActiveProvider, Attempt, FallbackPolicy, Library, Options, Precision, Provider, RuntimeError,
    cpu, cpu_features, cuda, openvino, tensorrt, words,
};

/// From the fastest to the one that is always there.
const ORDER: [Provider; 4] = [
    Provider::TensorRt,
    Provider::Cuda,
    Provider::OpenVino,
    Provider::Cpu,
];

/// Why a provider computes in the precision that the user named.
pub const AS_ASKED: &str = "as asked for";

/// What the choice asks of an execution provider. Reasons are sentences for the user.
pub trait Backend: Sync {
    /// A cheap look at whether it can be there at all, without loading anything.
    fn is_installed(&self, library: &Library) -> Result<(), String>;

    /// The precision it would compute in when `asked` to, and why that one, as the end of the
    /// sentence "computes in bf16, ...".
    fn precision(&self, asked: Precision) -> Result<(Precision, String), String>;

    /// Adds it to the options of a session.
    fn append(
        &self,
        library: &Library,
        builder: SessionBuilder,
        precision: Precision,
    ) -> Result<SessionBuilder, String>;
}

fn backend(provider: Provider) -> &'static dyn Backend {
    match provider {
        Provider::TensorRt => &tensorrt::TensorRt,
        Provider::Cuda => &cuda::Cuda,
        Provider::OpenVino => &openvino::OpenVino,
        Provider::Cpu | Provider::Auto => &cpu::Cpu,
    }
}

/// Opens `model` on the first provider that `options` allow and that works.
pub fn open(
    library: &Library,
    model: &[u8],
    options: &Options,
) -> Result<(Session, ActiveProvider, Vec<Attempt>), RuntimeError> {
    let mut attempts = Vec::new();
    for (provider, precision) in candidates(options) {
        let asked_for = provider == options.provider && precision == options.precision;
        match try_one(library, model, provider, precision, asked_for) {
            Ok((session, precision, why)) => {
                let role = match (options.provider, asked_for) {
                    (Provider::Auto, _) => "the first that works",
                    (_, true) => "asked for",
                    (_, false) => "the next that works",
                };
                attempts.push(Attempt {
                    provider,
                    taken: true,
                    reason: format!("{role}; computes in {precision}, {why}"),
                });
                let active = ActiveProvider {
                    provider,
                    precision,
                };
                return Ok((session, active, attempts));
            }
            Err(Refusal::Model(reason)) => {
                let bytes = model.len();
                return Err(RuntimeError::Model { bytes, reason });
            }
            Err(Refusal::Provider(reason)) => attempts.push(Attempt {
                provider,
                taken: false,
                reason,
            }),
        }
    }
    Err(match (options.provider, attempts.pop()) {
        (provider, Some(Attempt { reason, .. })) if provider != Provider::Auto => {
            RuntimeError::Provider { provider, reason }
        }
        (_, last) => {
            attempts.extend(last);
            RuntimeError::Precision {
                precision: options.precision,
                attempts,
            }
        }
    })
}

/// The providers and precisions to try, in order.
fn candidates(options: &Options) -> Vec<(Provider, Precision)> {
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
}

fn try_one(
    library: &Library,
    model: &[u8],
    provider: Provider,
    precision: Precision,
    asked_for: bool,
) -> Result<(Session, Precision, String), Refusal> {
    let backend = backend(provider);
    if !asked_for {
        // A provider asked for by name speaks for itself.
        backend.is_installed(library).map_err(Refusal::Provider)?;
    }
    let (precision, why) = backend.precision(precision).map_err(Refusal::Provider)?;
    let builder = session_options(library).map_err(|e| Refusal::Provider(words(e)))?;
    let mut builder = backend
        .append(library, builder, precision)
        .map_err(Refusal::Provider)?;
    let session = builder.commit_from_memory(model).map_err(|e| {
        let damaged = matches!(
            e.code(),
            ErrorCode::InvalidProtobuf | ErrorCode::InvalidGraph | ErrorCode::NoModel
        );
        // What the CPU provider refuses is not a valid model: it runs all of ONNX.
        if damaged || provider == Provider::Cpu {
            Refusal::Model(words(e))
        } else {
            Refusal::Provider(words(e))
        }
    })?;
    Ok((session, precision, why))
}

fn session_options(library: &Library) -> ort::Result<SessionBuilder> {
    let builder = Session::builder(library.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(cpu_features::threads())?
        // Threads that spin between frames take the cores of decoders and encoders. Measured on 2
        // cores with a frame every 5 ms and more: up to twice the CPU time, and no lower latency.
        .with_intra_op_spinning(false)?;
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
        candidates(&Options {
            provider,
            precision,
            fallback,
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
