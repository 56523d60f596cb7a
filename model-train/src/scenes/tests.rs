use tch::{Device, Kind, Tensor};

use super::network::SceneGenerator;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::tensors::channels_last;

#[test]
fn at_first_a_value_is_the_mean_of_the_known_ones_and_grey_where_there_are_none() {
    tch::manual_seed(1);
    let mut store = Store::new(Device::Cpu, Precision::F32);
    let net = SceneGenerator::new(&mut store);
    let options = (Kind::Float, Device::Cpu);
    let picture = Tensor::from_slice(&[0.0f32, 0.2, 0.6]).view([1, 3, 1, 1]);
    let picture = channels_last(&picture.expand([1, 3, 32, 48], false).contiguous());
    let mask = Tensor::ones([1, 3, 32, 48], options);
    let _ = mask.narrow(1, 0, 1).fill_(0.0);
    let _ = mask.narrow(3, 0, 16).fill_(0.0);
    let mask = channels_last(&mask);
    let made = tch::no_grad(|| net.forward(&(&picture * &mask), &mask, Pass::Use));
    assert_eq!(made.size(), [1, 3, 32, 48]);
    for (column, wanted) in [(3, 0.5), (40, 0.4)] {
        for channel in 0..3 {
            let value = made.double_value(&[0, channel, 20, column]);
            assert!((value - wanted).abs() < 0.01, "{value}, not {wanted}");
        }
    }
}
