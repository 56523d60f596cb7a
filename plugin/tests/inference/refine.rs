//! The net that refines, alone.

use gstmdecomplete::refine::{RefineNet, Shown};
use gstmdecomplete::runtime::NetError;
use mde_core::refining::{INPUT_IMAGE, INPUT_MASK, OUTPUT};

use crate::models::{Model, with_runtime};

/// A grey picture of `size`, of which the left half is missing.
fn shown(size: (usize, usize)) -> (Vec<f32>, Vec<f32>) {
    let mask = (0..size.0 * size.1).map(|i| f32::from(u8::from(i % size.0 >= size.0 / 2)));
    (vec![0.25; 3 * size.0 * size.1], mask.collect())
}

#[test]
fn holes_of_any_size_are_refined() {
    with_runtime(|| {
        let net = RefineNet::of_bytes(&Model::brightens(0.5).to_bytes(), None);
        let mut net = net.expect("a refiner");
        assert_eq!(net.scale(), 2);
        let mut refined = Vec::new();
        for size in [(32, 16), (64, 128), (16, 16)] {
            let (image, mask) = shown(size);
            let shown = Shown {
                size,
                image: &image,
                mask: &mask,
            };
            net.refine(&shown, &mut refined).expect("a picture");
            let expected = (0..image.len()).map(|i| match mask[i % mask.len()] {
                1.0 => 0.25,
                _ => 0.75,
            });
            assert!(refined.iter().copied().eq(expected), "{size:?}");
        }
    });
}

#[test]
fn what_is_no_number_is_told_of() {
    with_runtime(|| {
        let model = Model::refiner()
            .node("Sub", &[INPUT_IMAGE, INPUT_IMAGE], "nothing")
            .node("Div", &["nothing", "nothing"], OUTPUT);
        let mut net = RefineNet::of_bytes(&model.to_bytes(), None).expect("a refiner");
        let (image, mask) = shown((16, 16));
        let shown = Shown {
            size: (16, 16),
            image: &image,
            mask: &mask,
        };
        let error = net.refine(&shown, &mut Vec::new()).expect_err("no numbers");
        assert!(matches!(error, NetError::Run { .. }), "{error}");
    });
}

#[test]
fn other_models_are_refused_with_what_a_refiner_has() {
    with_runtime(|| {
        let other = Model::brightens(0.5).with_input("more", 1);
        let error = RefineNet::of_bytes(&other.to_bytes(), None).expect_err("a refusal");
        assert!(matches!(error, NetError::Signature { .. }), "{error}");
        let message = error.to_string();
        for part in [INPUT_IMAGE, INPUT_MASK, OUTPUT, "'more'", "H, W"] {
            assert!(message.contains(part), "{message}");
        }
        // A net for one size alone.
        let fixed = Model::brightens(0.5).with_input(INPUT_IMAGE, 3);
        RefineNet::of_bytes(&fixed.to_bytes(), None).expect_err("a refusal");
        // A generator, and no model at all.
        let generator = RefineNet::of_bytes(&Model::mean_fill(16, 16).to_bytes(), None);
        let error = generator.expect_err("a refusal");
        assert!(matches!(error, NetError::Contract(_)), "{error}");
        RefineNet::of_bytes(b"nothing", None).expect_err("a refusal");
    });
}
