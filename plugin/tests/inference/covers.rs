//! The net that finds covers, alone.

use gstmdecomplete::covers::CoverNet;
use gstmdecomplete::runtime::NetError;
use mde_core::covers::{INPUT_IMAGE, INPUT_LAST, INPUT_VIEW, INPUT_VIEW_MASK, OUTPUT};

use crate::models::{Model, with_runtime};

#[test]
fn a_net_says_of_each_kind_where_it_is() {
    with_runtime(|| {
        let net = CoverNet::of_bytes(&Model::sees_colours(32).to_bytes());
        let mut net = net.expect("a cover net");
        assert_eq!((net.side(), net.grid()), (32, 16));
        let answer = net.look(|inputs| {
            assert_eq!(inputs.view.len(), 3 * 32 * 32);
            assert_eq!(inputs.view_mask.len(), 32 * 32);
            assert_eq!(inputs.last.len(), 5 * 16 * 16);
            // Green above, blue below.
            inputs.image.fill(0.0);
            inputs.image[32 * 32..][..32 * 16].fill(1.0);
            inputs.image[2 * 32 * 32 + 32 * 16..].fill(1.0);
        });
        let answer = answer.expect("an answer");
        for (i, value) in answer.iter().enumerate() {
            let (kind, row) = (i / 256, i / 16 % 16);
            let wanted = matches!((kind, row < 8), (0, true) | (1, false));
            assert_eq!(*value, f32::from(u8::from(wanted)), "{kind} {row}");
        }
    });
}

#[test]
fn what_is_no_number_is_no_cover() {
    with_runtime(|| {
        let model = Model::cover_net(32)
            .node("Sub", &[INPUT_LAST, INPUT_LAST], "nothing")
            .node("Div", &["nothing", "nothing"], OUTPUT);
        let mut net = CoverNet::of_bytes(&model.to_bytes()).expect("a cover net");
        let answer = net.look(|_| ()).expect("an answer");
        assert!(answer.iter().all(|value| *value == 0.0));
    });
}

#[test]
fn other_models_are_refused_with_what_a_cover_net_has() {
    with_runtime(|| {
        let other = Model::sees_colours(32).with_input("more", 1);
        let error = CoverNet::of_bytes(&other.to_bytes()).expect_err("a refusal");
        assert!(matches!(error, NetError::Signature { .. }), "{error}");
        let message = error.to_string();
        for part in [
            INPUT_IMAGE,
            INPUT_VIEW,
            INPUT_VIEW_MASK,
            INPUT_LAST,
            OUTPUT,
            "'more'",
        ] {
            assert!(message.contains(part), "{message}");
        }
    });
}
