//! The net that refines: one hole at a time, on the CPU.

use std::path::Path;
use std::sync::Arc;

use mde_core::mask::CHANNELS;
use mde_core::refining::{Contract, INPUT_IMAGE, INPUT_MASK, OUTPUT, STEP};
use ort::session::Session;
use ort::value::TensorRef;

use crate::runtime::signature::Wanted;
use crate::runtime::{
    self, Model, NetError, Precision, Provider, RuntimeError, RuntimeOptions, Sessions, net,
};

/// What the net is called in messages.
const NAME: &str = "refiner";

/// The net, ready to refine.
#[derive(Debug)]
pub struct RefineNet {
    model: Arc<Model>,
    contract: Contract,
    /// The picture in the numbers of the model.
    image: Vec<f32>,
}

/// What the net is shown of a face, at [`RefineNet::scale`] times the size of the generator's crop.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Width and height in pixels, multiples of [`STEP`].
    pub size: (usize, usize),
    /// What is known as the frame shows it, the rest as the generator completed it: RGB in `[0, 1]`,
    /// `[3, H, W]`.
    pub image: &'a [f32],
    /// 1 known, 0 missing, `[H, W]`.
    pub mask: &'a [f32],
}

impl RefineNet {
    /// Opens the net in `file` with so many threads, one a physical core where it is not set, shared with
    /// others of this process as the cores allow. It is run once.
    ///
    /// # Errors
    /// [`NetError`].
    pub fn open(file: &Path, threads: Option<usize>) -> Result<Self, NetError> {
        Self::of_bytes(&net::read(file)?, threads)
    }

    /// The same of a file's bytes.
    ///
    /// # Errors
    /// [`NetError`], all but `Read`.
    pub fn of_bytes(bytes: &[u8], threads: Option<usize>) -> Result<Self, NetError> {
        let options = RuntimeOptions {
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            threads,
            sessions: Sessions::AsCoresAllow,
            ..RuntimeOptions::default()
        };
        let model = runtime::open(bytes, &options)?;
        let contract = {
            let session = model.session();
            let metadata = session.metadata().ok();
            let contract = Contract::from_metadata(|key| metadata.as_ref()?.custom(key))?;
            check(&session)?;
            contract
        };
        let mut net = Self {
            model,
            contract,
            image: Vec::new(),
        };
        // A model that cannot run, or not with any sides, is told of here, and memory taken.
        for size in [(STEP, STEP), (4 * STEP, 2 * STEP)] {
            let (image, mask) = (vec![0.5; 3 * size.0 * size.1], vec![0.0; size.0 * size.1]);
            let shown = Shown {
                size,
                image: &image,
                mask: &mask,
            };
            net.run(&shown, &mut Vec::new())
                .map_err(|e| RuntimeError::of_model(bytes.len(), e.to_string()))?;
        }
        Ok(net)
    }

    /// Pixels for each of the generator's, in each direction.
    pub fn scale(&self) -> usize {
        self.contract.scale
    }

    /// Puts what is `shown`, refined, into `refined`: RGB, mostly in `[0, 1]`, `[3, H, W]`.
    ///
    /// # Errors
    /// [`NetError::Run`]: the net failed, or said something that is no number.
    ///
    /// # Panics
    /// If a slice of `shown` has another length than its size says, or a side is no multiple of
    /// [`STEP`].
    pub fn refine(&mut self, shown: &Shown<'_>, refined: &mut Vec<f32>) -> Result<(), NetError> {
        let (width, height) = shown.size;
        assert_eq!(
            shown.image.len(),
            3 * width * height,
            "three values a pixel"
        );
        assert_eq!(shown.mask.len(), width * height, "one value a pixel");
        assert!(
            width.is_multiple_of(STEP) && height.is_multiple_of(STEP),
            "{width}x{height} is not made of whole steps"
        );
        self.run(shown, refined).map_err(|e| NetError::Run {
            net: NAME,
            reason: e.to_string(),
        })?;
        match refined.iter().all(|v| v.is_finite()) {
            true => Ok(()),
            false => Err(NetError::Run {
                net: NAME,
                reason: "it says something that is no number".to_owned(),
            }),
        }
    }

    fn run(&mut self, shown: &Shown<'_>, refined: &mut Vec<f32>) -> ort::Result<()> {
        let (black, white) = self.contract.range.black_and_white();
        self.image.clear();
        let values = shown.image.iter().map(|v| black + v * (white - black));
        self.image.extend(values);
        let (width, height) = shown.size;
        let image = TensorRef::from_array_view(([1, CHANNELS, height, width], &self.image[..]))?;
        let mask = TensorRef::from_array_view(([1, 1, height, width], shown.mask))?;
        let mut session = self.model.session();
        let outputs = session.run(ort::inputs![INPUT_IMAGE => image, INPUT_MASK => mask])?;
        let (shape, values) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
        if values.len() != shown.image.len() {
            return Err(ort::Error::new(format!("the output {OUTPUT} is {shape}")));
        }
        refined.clear();
        refined.extend(values.iter().map(|v| (v - black) / (white - black)));
        Ok(())
    }
}

/// Whether the model of `session` has the inputs and outputs of a refiner.
fn check(session: &Session) -> Result<(), NetError> {
    let of = |name, channels| Wanted {
        name,
        channels,
        size: None,
    };
    let inputs = [of(INPUT_IMAGE, CHANNELS), of(INPUT_MASK, 1)];
    let outputs = [of(OUTPUT, CHANNELS)];
    net::check(session, NAME, &inputs, &outputs)
}
