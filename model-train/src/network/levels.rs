//! The levels of a U-Net: convolutions at ever coarser resolutions, and back with skip connections.

use tch::Tensor;

use super::layers::{ConvBlock, Pass};
use super::parameters::Store;
use crate::onnx::Graph;

/// A decoder level: narrows what comes from below, doubles its resolution, joins the skip
/// connection.
struct Up {
    narrow: ConvBlock,
    join: ConvBlock,
}

/// The levels below the finest one, and the way back to it.
pub struct Levels {
    /// Finest first; the first convolution of each halves the resolution.
    down: Vec<Vec<ConvBlock>>,
    /// Coarsest first.
    up: Vec<Up>,
}

impl Levels {
    /// With `widths` channels, finest first, and as many convolutions of each level as `depths` say
    /// after the one that halves the resolution. Tensors are named `down.LEVEL.K.*` and `up.LEVEL.*`.
    pub fn new<const LEVELS: usize>(
        store: &mut Store,
        widths: &[i64],
        depths: [usize; LEVELS],
    ) -> Self {
        let mut down = Vec::new();
        for (level, depth) in depths.into_iter().enumerate() {
            let (fine, coarse) = (widths[level], widths[level + 1]);
            let blocks = (0..=depth).map(|k| {
                let (inputs, stride) = if k == 0 { (fine, 2) } else { (coarse, 1) };
                ConvBlock::new(store, &format!("down.{level}.{k}"), inputs, coarse, stride)
            });
            down.push(blocks.collect());
        }
        let up = (0..LEVELS).rev().map(|level| {
            let (fine, coarse) = (widths[level], widths[level + 1]);
            Up {
                narrow: ConvBlock::new(store, &format!("up.{level}.narrow"), coarse, fine, 1),
                join: ConvBlock::new(store, &format!("up.{level}.join"), 2 * fine, fine, 1),
            }
        });
        let up = up.collect();
        Self { down, up }
    }

    /// `x` at the finest resolution, down to the coarsest, where `middle` sees it, and back.
    pub fn forward(&self, x: Tensor, pass: Pass, middle: impl FnOnce(Tensor) -> Tensor) -> Tensor {
        let mut x = x;
        let mut skips = Vec::with_capacity(self.down.len());
        for blocks in &self.down {
            skips.push(x.shallow_clone());
            for block in blocks {
                x = block.forward(&x, pass);
            }
        }
        x = middle(x);
        for (up, skip) in self.up.iter().zip(skips.iter().rev()) {
            let size = skip.size();
            let narrow = up.narrow.forward(&x, pass);
            let doubled = narrow.upsample_nearest2d([size[2], size[3]], None, None);
            x = up.join.forward(&Tensor::cat(&[&doubled, skip], 1), pass);
        }
        x
    }

    /// Appends the levels to an ONNX graph, as [`Self::forward`]; needs f32 weights.
    pub fn trace(
        &self,
        graph: &mut Graph,
        x: String,
        middle: impl FnOnce(&mut Graph, String) -> String,
    ) -> String {
        let mut x = x;
        let mut skips = Vec::with_capacity(self.down.len());
        for blocks in &self.down {
            skips.push(x.clone());
            for block in blocks {
                x = block.trace(graph, &x);
            }
        }
        x = middle(graph, x);
        for (up, skip) in self.up.iter().zip(skips.iter().rev()) {
            let narrow = up.narrow.trace(graph, &x);
            let doubled = graph.enlarge_nearest(&narrow, 2);
            let joined = graph.concat(&[&doubled, skip]);
            x = up.join.trace(graph, &joined);
        }
        x
    }
}
