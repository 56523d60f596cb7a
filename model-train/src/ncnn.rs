//! Reading the convolutions of a model in ncnn's format: a `.param` text that lists the layers and
//! a `.bin` that holds their weights in that order.

use anyhow::{Context, Result, bail, ensure};
use half::f16;
use half::slice::HalfFloatSliceExt;
use tch::Tensor;

/// First line of a `.param`.
const MAGIC: &str = "7767517";
/// In front of weights in 16 bits.
const TAG_F16: u32 = 0x0130_6B47;
/// Keys of a convolution.
const OUTPUTS: u32 = 0;
const KERNEL: u32 = 1;
const HAS_BIAS: u32 = 5;
const WEIGHTS: u32 = 6;

/// Weights `NAME.weight` `[outputs, inputs, kernel, kernel]` and biases `NAME.bias` `[outputs]` of
/// all convolutions, f32, in the order of the layers.
///
/// # Errors
/// Where a line or a number cannot be read, a layer other than convolutions has weights (their
/// place in `bin` would not be known), weights are not in 16 bits, and where `bin` is too short
/// or too long.
pub fn convolutions(param: &str, bin: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let mut lines = param.lines();
    ensure!(
        lines.next().map(str::trim) == Some(MAGIC),
        "the .param file does not begin with ncnn's {MAGIC}"
    );
    let _counts = lines.next();
    let mut tensors = Vec::new();
    let mut rest = Bytes(bin);
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let layer =
            Layer::parse(line).with_context(|| format!("cannot read the layer '{line}'"))?;
        match layer.kind {
            "Convolution" => tensors.extend(
                (layer.convolution(&mut rest))
                    .with_context(|| format!("cannot read the weights of '{}'", layer.name))?,
            ),
            "Input" | "Pooling" | "Split" | "Concat" | "Softmax" | "ReLU" | "Dropout" => {}
            other => bail!(
                "the layer '{}' is a {other}: only SqueezeNet's are read",
                layer.name
            ),
        }
    }
    ensure!(
        rest.0.is_empty(),
        "{} bytes of the .bin file belong to no layer of the .param file",
        rest.0.len()
    );
    Ok(tensors)
}

/// A line of a `.param`: kind, name, numbers of inputs and outputs, their names, `key=value`.
struct Layer<'a> {
    kind: &'a str,
    name: &'a str,
    values: Vec<(u32, i64)>,
}

impl<'a> Layer<'a> {
    fn parse(line: &'a str) -> Result<Self> {
        let mut words = line.split_whitespace();
        let mut word = || words.next().context("it is too short");
        let (kind, name) = (word()?, word()?);
        let blobs = word()?.parse::<usize>()? + word()?.parse::<usize>()?;
        let value = |word: &str| -> Result<(u32, i64)> {
            let (key, value) = word.split_once('=').context("expected key=value")?;
            Ok((key.parse()?, value.parse()?))
        };
        Ok(Self {
            kind,
            name,
            values: words.skip(blobs).map(value).collect::<Result<_>>()?,
        })
    }

    /// The value of `key`, which ncnn takes for 0 where it is left out.
    fn value(&self, key: u32) -> i64 {
        let found = self.values.iter().find(|(k, _)| *k == key);
        found.map_or(0, |(_, value)| *value)
    }

    fn convolution(&self, bytes: &mut Bytes<'_>) -> Result<Vec<(String, Tensor)>> {
        let (outputs, kernel) = (self.value(OUTPUTS), self.value(KERNEL));
        let count = self.value(WEIGHTS);
        ensure!(
            outputs > 0 && kernel > 0 && count > 0 && count % (outputs * kernel * kernel) == 0,
            "{count} weights do not make {outputs} kernels of {kernel}x{kernel}"
        );
        let tag = u32::from_le_bytes(bytes.take(4)?.try_into()?);
        ensure!(
            tag == TAG_F16,
            "its tag is {tag:#010x} where 16-bit weights have {TAG_F16:#010x}"
        );
        // Padded to a multiple of 4 bytes.
        let padded = (2 * count as usize).next_multiple_of(4);
        let bits = bytes.take(padded)?.chunks_exact(2);
        let halves: Vec<f16> = bits.map(|b| f16::from_le_bytes([b[0], b[1]])).collect();
        let weight = Tensor::from_slice(&halves[..count as usize].to_f32_vec());
        let weight = weight.view([outputs, -1, kernel, kernel]);
        let mut tensors = vec![(format!("{}.weight", self.name), weight)];
        if self.value(HAS_BIAS) != 0 {
            let bytes = bytes.take(4 * outputs as usize)?.chunks_exact(4);
            let value = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            let bias: Vec<f32> = bytes.map(value).collect();
            tensors.push((format!("{}.bias", self.name), Tensor::from_slice(&bias)));
        }
        Ok(tensors)
    }
}

/// Bytes not yet read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .with_context(|| format!("the .bin file ends {} bytes early", count - self.0.len()))?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAM: &str = "7767517\n3 3\nInput data 0 1 data 0=2 1=2 2=1\n\
        Convolution conv/a 1 1 data a 0=1 1=1 5=1 6=3\nPooling pool 1 1 a b 1=3\n";

    fn bin() -> Vec<u8> {
        let mut bin = TAG_F16.to_le_bytes().to_vec();
        for weight in [1.0f32, -0.5, 2.0] {
            bin.extend(f16::from_f32(weight).to_le_bytes());
        }
        bin.extend([0; 2]);
        bin.extend(0.1f32.to_le_bytes());
        bin
    }

    #[test]
    fn weights_and_biases_are_read() {
        let tensors = convolutions(PARAM, &bin()).unwrap();
        let [(weight_name, weight), (bias_name, bias)] = &tensors[..] else {
            panic!("{} tensors", tensors.len());
        };
        assert_eq!(
            (weight_name.as_str(), bias_name.as_str()),
            ("conv/a.weight", "conv/a.bias")
        );
        assert_eq!(weight.size(), [1, 3, 1, 1]);
        let weight = Vec::<f32>::try_from(weight.flatten(0, -1)).unwrap();
        assert_eq!(weight, [1.0, -0.5, 2.0]);
        assert_eq!(Vec::<f32>::try_from(bias).unwrap(), [0.1]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let error = |param: &str, bin: &[u8]| {
            format!("{:#}", convolutions(param, bin).expect_err("it was taken"))
        };
        let bin = bin();
        assert!(error("1\n", &bin).contains("7767517"));
        let short = error(PARAM, &bin[..bin.len() - 1]);
        assert!(
            short.contains("'conv/a'") && short.contains("1 bytes early"),
            "{short}"
        );
        let long = [&bin[..], &[0; 4]].concat();
        assert!(error(PARAM, &long).contains("4 bytes"));
        assert!(error(&PARAM.replace("6=3", "6=three"), &bin).contains("6=three"));
        assert!(error(&PARAM.replace("Pooling", "InnerProduct"), &bin).contains("InnerProduct"));
        assert!(error(PARAM, &[0; 64]).contains("tag"));
    }
}
