//! Adam (Kingma and Ba 2015) over f32 master weights, in one pass over memory: gradients are read
//! in the precision they were computed in, and the bf16 working copies are written on the way.
//! Updates are bound by memory, so the usual chain of tensor operations would cost several times
//! as much at the paper's 79 million parameters.

use half::bf16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::network::parameters::{Parameter, Store};

/// Rates of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// Decay of the first moment; the paper's "momentum".
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Largest Euclidean length of all gradients together; longer ones are scaled down to it.
    pub clip: Option<f64>,
}

impl Default for AdamConfig {
    /// The paper's momentum of 0.5, and no clipping.
    fn default() -> Self {
        Self {
            beta1: 0.5,
            beta2: 0.999,
            epsilon: 1e-8,
            clip: None,
        }
    }
}

/// Adam's moments of every parameter of a store.
pub struct Adam {
    config: AdamConfig,
    /// First and second moment, in the order of the store's parameters.
    pub moments: Vec<(Tensor, Tensor)>,
    /// Updates made so far.
    pub updates: u64,
}

/// Values a task takes at once: small enough that its four streams stay in the cache.
const CHUNK: usize = 1 << 15;

impl Adam {
    /// Zero moments for `store`.
    pub fn new(store: &Store, config: AdamConfig) -> Self {
        let zeros = |p: &Parameter| (p.master.zeros_like(), p.master.zeros_like());
        Self {
            config,
            moments: store.parameters.iter().map(zeros).collect(),
            updates: 0,
        }
    }

    /// One update of all parameters at learning rate `rate`; `gradients` in the store's order.
    pub fn step(&mut self, store: &Store, gradients: &[Tensor], rate: f64) {
        self.updates += 1;
        let t = self.updates as i32;
        let AdamConfig {
            beta1,
            beta2,
            epsilon,
            clip,
        } = self.config;
        let root2 = (1.0 - beta2.powi(t)).sqrt();
        let factors = Factors {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            step: (rate * root2 / (1.0 - beta1.powi(t))) as f32,
            epsilon: (epsilon * root2) as f32,
            scale: clip.map_or(1.0, |limit| clipping(gradients, limit)) as f32,
        };
        tch::no_grad(|| {
            for ((p, (m, v)), g) in store.parameters.iter().zip(&self.moments).zip(gradients) {
                let g = laid_out_like(g, &p.master);
                if store.device == Device::Cpu {
                    step_on_cpu(p, m, v, &g, factors);
                } else {
                    step_by_tensors(p, m, v, &g, factors);
                }
            }
        });
    }
}

/// What an update computes with.
#[derive(Clone, Copy)]
struct Factors {
    beta1: f32,
    beta2: f32,
    /// Learning rate times the bias corrections.
    step: f32,
    epsilon: f32,
    /// Factor of the gradients.
    scale: f32,
}

/// The factor, at most 1, that brings the Euclidean length of all `gradients` together to `limit`.
fn clipping(gradients: &[Tensor], limit: f64) -> f64 {
    tch::no_grad(|| {
        let square = |g: &Tensor| g.to_kind(Kind::Float).square().sum(Kind::Double);
        let squares: Tensor = gradients.iter().map(square).sum();
        let length = squares.double_value(&[]).sqrt();
        if length > limit { limit / length } else { 1.0 }
    })
}

/// The gradient with the memory layout of `like`, so that both can be walked in step.
fn laid_out_like(gradient: &Tensor, like: &Tensor) -> Tensor {
    if gradient.stride() == like.stride() {
        return gradient.shallow_clone();
    }
    let mut same = Tensor::empty_strided(
        like.size(),
        like.stride(),
        (gradient.kind(), gradient.device()),
    );
    same.copy_(gradient);
    same
}

fn step_on_cpu(p: &Parameter, m: &Tensor, v: &Tensor, g: &Tensor, factors: Factors) {
    for t in [m, v, g, &p.working] {
        assert_eq!(t.size(), p.master.size(), "shapes of '{}'", p.name);
        assert_eq!(t.stride(), p.master.stride(), "layouts of '{}'", p.name);
    }
    let [mut master, mut m, mut v] = [&p.master, m, v].map(Tensor::shallow_clone);
    // SAFETY: the three have memory of their own, made by `Store` and `Adam::new`, and nothing else
    // reads or writes it meanwhile.
    let (master, m, v) = unsafe {
        (
            values_mut::<f32>(&mut master),
            values_mut(&mut m),
            values_mut(&mut v),
        )
    };
    let chunks = (master.par_chunks_mut(CHUNK))
        .zip(m.par_chunks_mut(CHUNK))
        .zip(v.par_chunks_mut(CHUNK));
    if p.working.kind() == Kind::BFloat16 {
        let mut working = p.working.shallow_clone();
        // SAFETY: as above; the gradient has memory of its own too, and so has the working copy of
        // another kind.
        let (g, working) = unsafe { (values::<bf16>(g), values_mut::<bf16>(&mut working)) };
        chunks
            .zip(g.par_chunks(CHUNK))
            .zip(working.par_chunks_mut(CHUNK))
            .for_each_init(
                || vec![0.0; CHUNK],
                |wide, ((((master, m), v), g), working)| {
                    let wide = &mut wide[..g.len()];
                    g.convert_to_f32_slice(wide);
                    update(master, m, v, wide, factors);
                    working.convert_from_f32_slice(master);
                },
            );
    } else {
        // SAFETY: as above.
        let g = unsafe { values::<f32>(g) };
        chunks
            .zip(g.par_chunks(CHUNK))
            .for_each(|(((master, m), v), g)| update(master, m, v, g, factors));
    }
}

fn update(master: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], factors: Factors) {
    for (((w, m), v), &g) in master.iter_mut().zip(m).zip(v).zip(g) {
        let g = g * factors.scale;
        *m += (1.0 - factors.beta1) * (g - *m);
        *v += (1.0 - factors.beta2) * (g * g - *v);
        *w -= factors.step * *m / (v.sqrt() + factors.epsilon);
    }
}

/// What a tensor's values are in memory.
trait Stored {
    const KIND: Kind;
}

impl Stored for f32 {
    const KIND: Kind = Kind::Float;
}

impl Stored for bf16 {
    const KIND: Kind = Kind::BFloat16;
}

/// The tensor's values in memory order.
///
/// # Panics
/// If it is not dense, on the CPU and of kind `T`.
///
/// # Safety
/// Nothing writes the tensor while the slice lives.
unsafe fn values<T: Stored>(tensor: &Tensor) -> &[T] {
    assert_plain::<T>(tensor);
    // SAFETY: a dense tensor has its `numel` values one after the other, they are of kind `T` and
    // in this process's memory, and the caller promises that they do not change.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) }
}

/// The tensor's values in memory order.
///
/// # Panics
/// As [`values`].
///
/// # Safety
/// Nothing else reads or writes the tensor while the slice lives.
unsafe fn values_mut<T: Stored>(tensor: &mut Tensor) -> &mut [T] {
    assert_plain::<T>(tensor);
    // SAFETY: as in `values`.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}

fn assert_plain<T: Stored>(tensor: &Tensor) {
    assert_eq!(tensor.kind(), T::KIND, "kind of {tensor:?}");
    assert_eq!(tensor.device(), Device::Cpu, "device of {tensor:?}");
    assert!(is_dense(tensor), "{tensor:?} has gaps or overlaps");
}

/// Whether the values of `tensor` lie one after the other in some order of its axes.
fn is_dense(tensor: &Tensor) -> bool {
    let mut axes: Vec<(i64, i64)> = tensor.stride().into_iter().zip(tensor.size()).collect();
    axes.retain(|&(_, size)| size != 1);
    axes.sort_unstable();
    let mut next = 1;
    axes.into_iter().all(|(stride, size)| {
        let follows = stride == next;
        next *= size;
        follows
    })
}

fn step_by_tensors(p: &Parameter, m: &Tensor, v: &Tensor, g: &Tensor, factors: Factors) {
    let g = g.to_kind(Kind::Float) * f64::from(factors.scale);
    let (mut m, mut v) = (m.shallow_clone(), v.shallow_clone());
    let _ = m.lerp_(&g, f64::from(1.0 - factors.beta1));
    let _ = v.lerp_(&(&g * &g), f64::from(1.0 - factors.beta2));
    let change = &m / (v.sqrt() + f64::from(factors.epsilon)) * f64::from(factors.step);
    let mut master = p.master.detach();
    master -= change;
    if p.working.kind() != Kind::Float {
        p.working.detach().copy_(&p.master);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::parameters::Precision;

    #[test]
    fn tensors_with_gaps_or_of_another_kind_are_not_taken_as_slices() {
        let t = Tensor::zeros([2, 3, 4, 5], (Kind::Float, Device::Cpu));
        assert!(is_dense(&t) && is_dense(&t.permute([0, 2, 3, 1])));
        assert!(is_dense(&t.narrow(0, 1, 1)) && !is_dense(&t.narrow(1, 0, 2)));
        assert!(!is_dense(&t.narrow(1, 0, 1).expand([2, 3, 4, 5], false)));
        let taken = std::panic::catch_unwind(|| {
            // SAFETY: nothing else has the tensor.
            unsafe { values::<bf16>(&t) }.len()
        });
        assert!(taken.is_err());
    }

    /// The published algorithm, value by value in f64.
    fn reference(w: f64, gradients: &[f64], rate: f64) -> f64 {
        let c = AdamConfig::default();
        let (mut w, mut m, mut v) = (w, 0.0, 0.0);
        for (t, g) in gradients.iter().enumerate() {
            let t = t as i32 + 1;
            m = c.beta1 * m + (1.0 - c.beta1) * g;
            v = c.beta2 * v + (1.0 - c.beta2) * g * g;
            let (m_hat, v_hat) = (m / (1.0 - c.beta1.powi(t)), v / (1.0 - c.beta2.powi(t)));
            w -= rate * m_hat / (v_hat.sqrt() + c.epsilon);
        }
        w
    }

    fn follows_the_paper(precision: Precision) {
        let mut store = Store::new(Device::Cpu, precision);
        let start = [0.5f32, -1.25, 2.0, 0.0, 1.0, -0.5, 0.25, 3.0];
        let working = store.weight("w".into(), &Tensor::from_slice(&start).view([2, 4, 1, 1]));
        let mut adam = Adam::new(&store, AdamConfig::default());
        let steps = [0.5, -2.0, 0.25];
        for g in steps {
            let gradient = working.detach().fill(g);
            adam.step(&store, &[gradient], 1e-2);
        }
        let got: Vec<f32> = (&store.parameters[0].master.flatten(0, -1))
            .try_into()
            .unwrap();
        for (got, w) in got.iter().zip(start) {
            let expected = reference(w.into(), &steps, 1e-2);
            assert!(
                (f64::from(*got) - expected).abs() < 1e-6,
                "{got} is not {expected}"
            );
        }
        let drift = (working.to_kind(Kind::Float) - &store.parameters[0].master)
            .abs()
            .max();
        assert!(
            drift.double_value(&[]) <= 2.0f64.powi(-8) * 3.0,
            "the working copy lags: {drift}"
        );
    }

    #[test]
    fn long_gradients_are_cut_to_the_limit() {
        let gradients = [
            Tensor::from_slice(&[3.0f32]),
            Tensor::from_slice(&[0.0f32, 4.0]),
        ];
        assert!((clipping(&gradients, 2.5) - 0.5).abs() < 1e-9);
        assert_eq!(clipping(&gradients, 5.0), 1.0);
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let weight = store.weight("w".into(), &Tensor::from_slice(&[0.0f32, 0.0]));
        let config = AdamConfig {
            clip: Some(1.0),
            ..AdamConfig::default()
        };
        let mut adam = Adam::new(&store, config);
        let gradient = weight.detach().fill(50.0f64.sqrt());
        adam.step(&store, &[gradient], 1e-2);
        // Its length is 10, so the first moment is half of a tenth of it.
        let first = adam.moments[0].0.double_value(&[0]);
        assert!((first - 0.05 * 50.0f64.sqrt()).abs() < 1e-6, "{first}");
    }

    #[test]
    fn f32_updates_follow_the_paper() {
        follows_the_paper(Precision::F32);
    }

    #[test]
    fn bf16_updates_follow_the_paper_and_refresh_the_working_copy() {
        follows_the_paper(Precision::Bf16);
    }
}
