//! The generator that copies where it can and paints where it must: from the crop, one view of the
//! same face and the crop's own mirror image it makes a painted picture, and for each source a
//! flow, a tint and a weight.
//!
//! Pixel-unshuffle, dense 3x3 convolutions in residual blocks at a half to a sixteenth of the
//! resolution, one fully-connected bottleneck (the paper's idea), and pixel-shuffle.

use mde_core::contract;
use tch::{Kind, Tensor};

use super::config::ViewGeneratorConfig;
use super::layers::{Conv, Linear, Residual};
use super::parameters::Store;
use crate::onnx::Graph;
use crate::tensors::channels_last;

/// Sources that are copied from: the view, and the mirror.
pub const SOURCES: i64 = 2;
/// Channels of the input: the picture and its mask, the view and its, the mirrored picture and its.
const CHANNELS: i64 = 6 + 4 + 6;
/// Pixels of the picture for one of the finest features, in each direction.
const SHUFFLE: i64 = 2;
/// Farthest that a source's pixel is fetched from, as a share of half the side.
const REACH: f64 = 0.3;
/// Strongest tint.
const TINT: f64 = 0.3;
/// Channels that the bottleneck takes of each coarsest position.
const SQUEEZED: i64 = 64;
/// What the logit of painting starts from: where there is a source, copying comes first.
const PAINT_BIAS: f64 = -1.5;
/// Keeps the logarithm of what is known finite, and a pixel of which little is known in bounds.
const LEAST_KNOWN: f64 = 1e-4;

/// What a generator is given, `[N, C, S, S]` f32 each.
pub struct Inputs {
    /// The picture, missing values 0; C = 3.
    pub image: Tensor,
    /// 1 known, 0 missing; C = 3.
    pub mask: Tensor,
    /// The view, unknown values 0; C = 3.
    pub view: Tensor,
    /// 1 where the view is known; C = 1.
    pub view_mask: Tensor,
}

/// What is copied from a source, before it is weighted; f32.
pub struct Copied {
    /// `[N, 2, S / 2, S / 2]`: where each pixel fetches its value from, x and y, relative to its
    /// own place and in halves of the side.
    pub flow: Tensor,
    /// `[N, 3, S, S]`: the source's pixels there, with the tint.
    pub picture: Tensor,
    /// `[N, 1, S, S]`: how much of that is known.
    pub known: Tensor,
}

/// What a generator makes; f32.
pub struct Outputs {
    /// `[N, 3, S, S]`: the whole output.
    pub completed: Tensor,
    /// `[N, 3, S, S]`: what it paints.
    pub painted: Tensor,
    /// The view and the mirror.
    pub copied: Vec<Copied>,
    /// `[N, 3, S, S]`: weights of painting, the view and the mirror, in sum 1.
    pub weights: Tensor,
}

impl Outputs {
    /// What an exported model gives of these, by name: whole output, flows of the view and the
    /// mirror in pixels of the crop, and weights, the latter two at half the resolution.
    pub fn exported(&self) -> [(&'static str, Tensor); 3] {
        let flows: Vec<&Tensor> = self.copied.iter().map(|copied| &copied.flow).collect();
        let side = self.completed.size()[3] as f64;
        let block = [SHUFFLE; 2];
        let weights = (self.weights).avg_pool2d(block, block, [0, 0], false, true, None);
        [
            (contract::OUTPUT, self.completed.shallow_clone()),
            (contract::OUTPUT_FLOW, Tensor::cat(&flows, 1) * (side / 2.0)),
            (contract::OUTPUT_WEIGHTS, weights),
        ]
    }
}

/// An encoder level: halves the resolution.
struct Down {
    halve: Conv,
    refine: Residual,
}

/// A decoder level: narrows what comes from below, doubles its resolution, joins the skip
/// connection.
struct Up {
    narrow: Conv,
    join: Conv,
    refine: Residual,
}

/// The network.
pub struct ViewGenerator {
    config: ViewGeneratorConfig,
    stem: Conv,
    down: Vec<Down>,
    squeeze: Conv,
    code: Linear,
    decode: Linear,
    spread: Conv,
    middle: Residual,
    /// Coarsest first.
    up: Vec<Up>,
    paint: Conv,
    /// For each source a flow and a logit.
    geometry: Conv,
    tint: Conv,
}

impl ViewGenerator {
    /// A generator with freshly drawn weights (by torch's global generator) in `store`.
    pub fn new(store: &mut Store, config: &ViewGeneratorConfig) -> Self {
        let widths = config.widths;
        let deepest = widths[widths.len() - 1];
        let inputs = CHANNELS * SHUFFLE * SHUFFLE;
        let coarse = SQUEEZED * config.coarse_size().pow(2);
        let up = |store: &mut Store, level: usize| {
            let (fine, below) = (widths[level], widths[level + 1]);
            Up {
                narrow: Conv::with_bias(store, &format!("up.{level}.narrow"), below, fine, 1),
                join: Conv::with_bias(store, &format!("up.{level}.join"), 2 * fine, fine, 1),
                refine: Residual::new(store, &format!("up.{level}.refine"), fine),
            }
        };
        Self {
            config: config.clone(),
            stem: Conv::with_bias(store, "stem", inputs, widths[0], 1),
            down: (widths.windows(2).enumerate())
                .map(|(level, w)| Down {
                    halve: Conv::with_bias(store, &format!("down.{level}.halve"), w[0], w[1], 2),
                    refine: Residual::new(store, &format!("down.{level}.refine"), w[1]),
                })
                .collect(),
            squeeze: Conv::with_bias(store, "squeeze", deepest, SQUEEZED, 1),
            code: Linear::new(store, "code", coarse, config.bottleneck),
            decode: Linear::new(store, "decode", config.bottleneck, coarse),
            // What the bottleneck has to say begins as nothing.
            spread: Conv::zeroed(store, "spread", SQUEEZED, deepest),
            middle: Residual::new(store, "middle", deepest),
            up: (0..widths.len() - 1)
                .rev()
                .map(|level| up(store, level))
                .collect(),
            paint: Conv::with_bias(store, "paint", widths[0], 3 * SHUFFLE * SHUFFLE, 1),
            geometry: Conv::zeroed(store, "geometry", widths[0], 3 * SOURCES),
            tint: Conv::zeroed(store, "tint", widths[widths.len() - 2], 3 * SOURCES),
        }
    }

    /// Completes `inputs`.
    pub fn forward(&self, inputs: &Inputs) -> Outputs {
        let kind = self.stem.weight().kind();
        let mirror = [&inputs.image, &inputs.mask].map(|t| t.flip([3]));
        let view = [&inputs.view, &inputs.view_mask];
        let all = Tensor::cat(
            &[
                &inputs.image,
                &inputs.mask,
                view[0],
                view[1],
                &mirror[0],
                &mirror[1],
            ],
            1,
        );
        let unshuffled = channels_last(&all.to_kind(kind).pixel_unshuffle(SHUFFLE));
        let mut x = self.stem.forward(&unshuffled); // [N, W0, S / 2, S / 2]
        let mut skips = Vec::with_capacity(self.down.len());
        for down in &self.down {
            let half = down.refine.forward(&down.halve.forward(&x));
            skips.push(std::mem::replace(&mut x, half));
        }
        let squeezed = self.squeeze.forward(&x.relu()).relu_(); // [N, 64, S / 16, S / 16]
        let code = self.code.forward(&squeezed.flatten(1, -1)).relu_(); // [N, B]
        let decoded = self.decode.forward(&code).relu_().view_as(&squeezed);
        x = &x + self.spread.forward(&channels_last(&decoded));
        x = self.middle.forward(&x);
        let mut tint = None;
        for (up, skip) in self.up.iter().zip(skips.iter().rev()) {
            let narrow = up.narrow.forward(&x);
            let side = skip.size()[2];
            let doubled = narrow.upsample_nearest2d([side, side], None, None);
            x = up.join.forward(&Tensor::cat(&[&doubled, skip], 1));
            x = up.refine.forward(&x);
            tint.get_or_insert_with(|| self.tint.forward(&x.relu()));
        }
        let x = x.relu_();
        let painted = self.paint.forward(&x).pixel_shuffle(SHUFFLE);
        let painted = painted.to_kind(Kind::Float).sigmoid_(); // [N, 3, S, S]
        let geometry = self.geometry.forward(&x).to_kind(Kind::Float); // [N, 6, S / 2, S / 2]
        let tint = tint
            .expect("there is more than one level")
            .to_kind(Kind::Float);
        let tint = self.enlarged(&(tint.tanh() * TINT)); // [N, 6, S, S]
        let mirror_known = mirror[1].amin([1].as_slice(), true);
        let sources = [
            Tensor::cat(&view, 1),
            Tensor::cat(&[&(&mirror[0] * &mirror_known), &mirror_known], 1),
        ];
        let mut logits = vec![Tensor::full_like(&mirror_known, PAINT_BIAS)];
        let mut copied = Vec::with_capacity(sources.len());
        for (source, at) in sources.iter().zip(0..) {
            let flow = (geometry.narrow(1, 3 * at, 2) * 0.5).tanh() * REACH;
            let fetched = self.fetch(source, &flow); // [N, 4, S, S]
            let known = fetched.narrow(1, 3, 1);
            // Where a source is known in part, what is fetched is mixed with black.
            let fetched = fetched.narrow(1, 0, 3) / known.clamp_min(LEAST_KNOWN);
            let logit = self.enlarged(&geometry.narrow(1, 3 * at + 2, 1));
            logits.push(logit + known.clamp_min(LEAST_KNOWN).log());
            copied.push(Copied {
                flow,
                picture: fetched + tint.narrow(1, 3 * at, 3),
                known,
            });
        }
        let weights = Tensor::cat(&logits, 1).softmax(1, Kind::Float);
        let mut completed = &painted * weights.narrow(1, 0, 1);
        for (copied, at) in copied.iter().zip(1..) {
            completed = &completed + &copied.picture * weights.narrow(1, at, 1);
        }
        Outputs {
            completed,
            painted,
            copied,
            weights,
        }
    }

    /// The pixels of `source` `[N, 4, S, S]` where `flow` `[N, 2, S / 2, S / 2]` leads.
    fn fetch(&self, source: &Tensor, flow: &Tensor) -> Tensor {
        let places =
            self.enlarged(flow).permute([0, 2, 3, 1]) + self.places().to_device(flow.device());
        source.contiguous().grid_sampler(&places, 0, 1, false)
    }

    /// `x` `[N, C, s, s]` at the picture's resolution, interpolated bilinearly.
    fn enlarged(&self, x: &Tensor) -> Tensor {
        let side = self.config.size;
        x.upsample_bilinear2d([side, side], false, None, None)
    }

    /// The places of the pixels, `[1, S, S, 2]`: x and y from -1 at one edge to 1 at the other.
    fn places(&self) -> Tensor {
        let side = self.config.size;
        let end = 1.0 - 1.0 / side as f64;
        let line = Tensor::linspace(-end, end, side, (Kind::Float, tch::Device::Cpu));
        let x = line.view([1, side]).expand([side, side], false);
        let y = line.view([side, 1]).expand([side, side], false);
        Tensor::stack(&[x, y], -1).unsqueeze(0)
    }

    /// Side of the pictures.
    pub fn size(&self) -> i64 {
        self.config.size
    }

    /// The weight `name` out of the graph of [`Self::trace`], where it is `traced`.
    pub fn imported(name: &str, traced: &Tensor) -> Tensor {
        match name {
            "stem.weight" => Conv::shuffled(traced, SHUFFLE),
            _ => traced.shallow_clone(),
        }
    }

    /// The network as an ONNX graph that keeps version 2 of the contract; needs f32 weights.
    pub fn trace(&self) -> Graph {
        let side = self.config.size;
        let mut g = Graph::new(contract::KIND);
        let image = g.input(contract::INPUT_IMAGE, &[3, side, side]);
        let mask = g.input(contract::INPUT_MASK, &[3, side, side]);
        let view = g.input(contract::INPUT_VIEW, &[3, side, side]);
        let view_mask = g.input(contract::INPUT_VIEW_MASK, &[1, side, side]);
        let (mirror, mirror_mask) = (g.mirror(&image), g.mirror(&mask));
        let all = g.concat(&[&image, &mask, &view, &view_mask, &mirror, &mirror_mask]);
        let unshuffled = g.space_to_depth(&all, SHUFFLE);
        let mut x = self.stem.trace_unshuffled(&mut g, &unshuffled, SHUFFLE);
        let mut skips = Vec::with_capacity(self.down.len());
        for down in &self.down {
            let half = down.halve.trace(&mut g, &x);
            let half = down.refine.trace(&mut g, &half);
            skips.push(std::mem::replace(&mut x, half));
        }
        let coarse = self.config.coarse_size();
        let squeezed = g.relu(&x);
        let squeezed = self.squeeze.trace(&mut g, &squeezed);
        let squeezed = g.relu(&squeezed);
        let flat = g.flatten(&squeezed);
        let code = self.code.trace(&mut g, &flat);
        let code = g.relu(&code);
        let decoded = self.decode.trace(&mut g, &code);
        let decoded = g.relu(&decoded);
        let decoded = g.reshape(&decoded, &[SQUEEZED, coarse, coarse]);
        let decoded = self.spread.trace(&mut g, &decoded);
        x = g.add(&x, &decoded);
        x = self.middle.trace(&mut g, &x);
        let mut tint = None;
        for (up, skip) in self.up.iter().zip(skips.iter().rev()) {
            let narrow = up.narrow.trace(&mut g, &x);
            let doubled = g.enlarge_nearest(&narrow, 2);
            let joined = g.concat(&[&doubled, skip]);
            x = up.join.trace(&mut g, &joined);
            x = up.refine.trace(&mut g, &x);
            if tint.is_none() {
                let positive = g.relu(&x);
                tint = Some(self.tint.trace(&mut g, &positive));
            }
        }
        let x = g.relu(&x);
        let painted = self.paint.trace(&mut g, &x);
        let painted = g.depth_to_space(&painted, SHUFFLE);
        let painted = g.sigmoid(&painted);
        let geometry = self.geometry.trace(&mut g, &x);
        let tint = tint.expect("there is more than one level");
        let tint = g.tanh(&tint);
        let tint = g.scale(&tint, TINT as f32);
        let tint = g.enlarge_bilinear(&tint, SHUFFLE << (self.up.len() - 1));
        let mirror_known = g.minimum_of_channels(&mirror_mask);
        let mirror = g.multiply(&mirror, &mirror_known);
        let places = g.constant(&self.places());
        let paint_bias = g.scale(&mirror_known, 0.0);
        let mut logits = vec![g.shift(&paint_bias, PAINT_BIAS as f32)];
        let (mut flows, mut pictures) = (Vec::new(), vec![painted]);
        for (at, (picture, known)) in (0..).zip([(&view, &view_mask), (&mirror, &mirror_known)]) {
            let flow = g.channels(&geometry, 3 * at, 3 * at + 2);
            let flow = g.scale(&flow, 0.5);
            let flow = g.tanh(&flow);
            let flow = g.scale(&flow, REACH as f32);
            flows.push(g.scale(&flow, side as f32 / 2.0));
            let flow = g.enlarge_bilinear(&flow, SHUFFLE);
            let flow = g.channels_last(&flow);
            let flow = g.add(&flow, &places);
            let source = g.concat(&[picture, known]);
            let fetched = g.grid_sample(&source, &flow);
            let known = g.channels(&fetched, 3, 4);
            let known = g.at_least(&known, LEAST_KNOWN as f32);
            let fetched = g.channels(&fetched, 0, 3);
            let fetched = g.divide(&fetched, &known);
            let logit = g.channels(&geometry, 3 * at + 2, 3 * at + 3);
            let logit = g.enlarge_bilinear(&logit, SHUFFLE);
            let known = g.logarithm(&known);
            logits.push(g.add(&logit, &known));
            let tint = g.channels(&tint, 3 * at, 3 * at + 3);
            pictures.push(g.add(&fetched, &tint));
        }
        let logits: Vec<&str> = logits.iter().map(String::as_str).collect();
        let logits = g.concat(&logits);
        let weights = g.softmax(&logits);
        let mut completed: Option<String> = None;
        for (at, picture) in (0..).zip(&pictures) {
            let weight = g.channels(&weights, at, at + 1);
            let part = g.multiply(picture, &weight);
            completed = Some(match completed {
                Some(others) => g.add(&others, &part),
                None => part,
            });
        }
        let completed = completed.expect("what is painted, at least");
        let half = side / SHUFFLE;
        g.output(&completed, contract::OUTPUT, &[3, side, side]);
        let flows: Vec<&str> = flows.iter().map(String::as_str).collect();
        let flow = g.concat(&flows);
        g.output(&flow, contract::OUTPUT_FLOW, &[2 * SOURCES, half, half]);
        let weights = g.mean_of_blocks(&weights, SHUFFLE);
        g.output(
            &weights,
            contract::OUTPUT_WEIGHTS,
            &[1 + SOURCES, half, half],
        );
        g
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::network::config::ViewPreset;
    use crate::network::parameters::Precision;

    #[test]
    fn at_the_edge_of_what_is_known_a_source_keeps_its_colour() {
        tch::manual_seed(1);
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let config = ViewPreset::Tiny.config();
        let network = ViewGenerator::new(&mut store, &config);
        // All pixels fetch from 0.4 pixels to their right.
        let apart = 0.4 * 2.0 / config.size as f64;
        let bias = (store.parameters.iter()).find(|p| p.name == "geometry.bias");
        let bias = &bias.unwrap().master;
        let logit = 2.0 * (apart / REACH).atanh();
        tch::no_grad(|| drop(bias.narrow(0, 0, 1).fill_(logit)));
        let side = config.size;
        let options = (Kind::Float, Device::Cpu);
        let mask = Tensor::ones([1, 3, side, side], options);
        // The left half of the view is known.
        let view_mask = Tensor::arange(side, options).lt((side / 2) as f64);
        let view_mask = view_mask.to_kind(Kind::Float).view([1, 1, 1, side]);
        let view_mask = view_mask.expand([1, 1, side, side], false).contiguous();
        let inputs = Inputs {
            image: &mask * 0.3,
            view: Tensor::cat(&[0.9, 0.5, 0.2].map(|v| &view_mask * v), 1),
            mask,
            view_mask,
        };
        let outputs = tch::no_grad(|| network.forward(&inputs));
        let copied = &outputs.copied[0];
        let (row, edge) = (side / 2, side / 2 - 1);
        let known = |x| copied.known.double_value(&[0, 0, row, x]);
        assert!((known(edge) - 0.6).abs() < 1e-3, "{}", known(edge));
        assert!(known(edge - 1) > 0.999 && known(edge + 1) < 1e-3);
        for (channel, colour) in (0..).zip([0.9, 0.5, 0.2]) {
            for x in [edge - 1, edge] {
                let found = copied.picture.double_value(&[0, channel, row, x]);
                assert!(
                    (found - colour).abs() < 1e-3,
                    "{x}: {found} is not {colour}"
                );
            }
        }
        // What is not known weighs next to nothing.
        let weight = |x| outputs.weights.double_value(&[0, 1, row, x]);
        assert!(weight(edge + 1) < 1e-3 && weight(edge) > 0.1);
    }
}
