//! The net that sees covers: one face at a time, on one core.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use mde_core::contract::ValueRange;
use mde_core::covers::{
    Contract, INPUT_IMAGE, INPUT_LAST, INPUT_VIEW, INPUT_VIEW_MASK, Kind, OUTPUT,
};
use mde_core::mask::CHANNELS;
use ort::session::Session;
use ort::value::Tensor;

use crate::runtime::signature::Wanted;
use crate::runtime::{
    self, Model, NetError, Precision, Provider, RuntimeError, RuntimeOptions, Sessions, net,
};

/// What the net is called in messages.
const NAME: &str = "cover net";

/// The net, ready to look at faces.
pub struct CoverNet {
    model: Arc<Model>,
    contract: Contract,
    image: Tensor<f32>,
    view: Tensor<f32>,
    view_mask: Tensor<f32>,
    last: Tensor<f32>,
    answer: Vec<f32>,
}

/// What the net is shown of a face, to be filled in. Each still holds what it held before.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The crop, RGB in `[0, 1]`, `[3, S, S]`.
    pub image: &'a mut [f32],
    /// Another look at the face, RGB in `[0, 1]` with unknown values 0, `[3, S, S]`.
    pub view: &'a mut [f32],
    /// 1 where that is known, else 0, `[S, S]`. All 0: there is none.
    pub view_mask: &'a mut [f32],
    /// The last answer, `[5, S/2, S/2]`; all 0: there is none.
    pub last: &'a mut [f32],
}

impl CoverNet {
    /// Opens the net in `file` on one core, for this user alone, as the net that follows faces is:
    /// sharing so little work costs more than it saves. It is run once.
    ///
    /// # Errors
    /// [`NetError`].
    pub fn open(file: &Path) -> Result<Self, NetError> {
        Self::of_bytes(&net::read(file)?)
    }

    /// The same of a file's bytes.
    ///
    /// # Errors
    /// [`NetError`], all but `Read`.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, NetError> {
        let options = RuntimeOptions {
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            threads: Some(1),
            sessions: Sessions::Own,
            ..RuntimeOptions::default()
        };
        let model = runtime::open(bytes, &options)?;
        let contract = {
            let session = model.session();
            let metadata = session.metadata().ok();
            let contract = Contract::from_metadata(|key| metadata.as_ref()?.custom(key))?;
            check(&session, &contract)?;
            contract
        };
        let failed = |e: ort::Error| RuntimeError::of_model(bytes.len(), e.to_string());
        let (side, grid) = (contract.side, contract.grid());
        let mut net = Self {
            image: tensor(CHANNELS, side).map_err(failed)?,
            view: tensor(CHANNELS, side).map_err(failed)?,
            view_mask: tensor(1, side).map_err(failed)?,
            last: tensor(Kind::ALL.len(), grid).map_err(failed)?,
            answer: Vec::new(),
            model,
            contract,
        };
        // A model that cannot run is told of here, and memory taken.
        net.run().map_err(failed)?;
        Ok(net)
    }

    /// Side of the crop in pixels.
    pub fn side(&self) -> usize {
        self.contract.side
    }

    /// Side of an answer.
    pub fn grid(&self) -> usize {
        self.contract.grid()
    }

    /// What the net says of a face that `show` shows it: for each kind of cover, in the order of
    /// [`Kind::ALL`], how probable it is, in `[0, 1]`, `[5, S/2, S/2]`.
    ///
    /// # Errors
    /// [`NetError::Run`].
    pub fn look(&mut self, show: impl FnOnce(Inputs<'_>)) -> Result<&[f32], NetError> {
        let image = self.image.extract_tensor_mut().1;
        let view = self.view.extract_tensor_mut().1;
        let view_mask = self.view_mask.extract_tensor_mut().1;
        show(Inputs {
            image: &mut *image,
            view: &mut *view,
            view_mask: &mut *view_mask,
            last: self.last.extract_tensor_mut().1,
        });
        put_in_range(image, None, self.contract.range);
        put_in_range(view, Some(view_mask), self.contract.range);
        self.run().map_err(|e| NetError::Run {
            net: NAME,
            reason: e.to_string(),
        })?;
        Ok(&self.answer)
    }

    fn run(&mut self) -> ort::Result<()> {
        let inputs = ort::inputs![
            INPUT_IMAGE => &self.image,
            INPUT_VIEW => &self.view,
            INPUT_VIEW_MASK => &self.view_mask,
            INPUT_LAST => &self.last
        ];
        let mut session = self.model.session();
        let outputs = session.run(inputs)?;
        let (shape, values) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
        let grid = self.contract.grid();
        if values.len() != Kind::ALL.len() * grid * grid {
            return Err(ort::Error::new(format!("the output {OUTPUT} is {shape}")));
        }
        self.answer.clear();
        // What is no number is no cover.
        let answer = values
            .iter()
            .map(|v| if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) });
        self.answer.extend(answer);
        Ok(())
    }
}

impl fmt::Debug for CoverNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut net = f.debug_struct("CoverNet");
        net.field("model", &self.model)
            .field("contract", &self.contract)
            .finish_non_exhaustive()
    }
}

fn tensor(channels: usize, side: usize) -> ort::Result<Tensor<f32>> {
    let shape = [1, channels, side, side];
    Tensor::from_array((shape, vec![0f32; shape.iter().product()]))
}

/// Gives values in `[0, 1]` the numbers of `range`; unknown ones stay 0.
fn put_in_range(rgb: &mut [f32], known: Option<&[f32]>, range: ValueRange) {
    let (black, white) = range.black_and_white();
    if (black, white) == (0.0, 1.0) {
        return;
    }
    for value in rgb.iter_mut() {
        *value = black + *value * (white - black);
    }
    if let Some(known) = known {
        for plane in rgb.chunks_mut(known.len()) {
            for (value, known) in plane.iter_mut().zip(known) {
                *value *= known;
            }
        }
    }
}

/// Whether the model of `session` has the inputs and outputs of a cover net that keeps `contract`.
fn check(session: &Session, contract: &Contract) -> Result<(), NetError> {
    let of = |name, channels, side| Wanted {
        name,
        channels,
        size: Some((side, side)),
    };
    let (side, grid) = (contract.side, contract.grid());
    let inputs = [
        of(INPUT_IMAGE, CHANNELS, side),
        of(INPUT_VIEW, CHANNELS, side),
        of(INPUT_VIEW_MASK, 1, side),
        of(INPUT_LAST, Kind::ALL.len(), grid),
    ];
    let outputs = [of(OUTPUT, Kind::ALL.len(), grid)];
    net::check(session, NAME, &inputs, &outputs)
}
