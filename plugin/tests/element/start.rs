//! Starting and stopping: models, providers, what is told on the bus.

use std::cmp::Ordering;

use gst::prelude::*;

use crate::models::{Model, with_runtime};
use crate::support::{mean_fill, model_file};

/// Starts `element`; gives the texts of the errors on its bus.
fn errors_at_start(element: &gst::Element) -> Vec<String> {
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    let result = element.set_state(gst::State::Paused);
    let errors: Vec<String> = bus
        .iter_filtered(&[gst::MessageType::Error])
        .filter_map(|message| match message.view() {
            gst::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(result.is_err(), !errors.is_empty(), "{result:?} {errors:?}");
    element.set_state(gst::State::Null).expect("stopping");
    errors
}

#[test]
fn a_model_that_cannot_be_used_is_one_error_that_names_it() {
    with_runtime(|| {
        let whole = Model::mean_fill(96, 96).to_bytes();
        let one_channel = Model::mean_fill(96, 96).with_input("mask", 1).to_bytes();
        let element = mean_fill("eyes");
        for (name, model, reason) in [
            (
                "garbage.onnx",
                b"not a model at all".as_slice(),
                "not an ONNX model",
            ),
            ("truncated.onnx", &whole[..whole.len() / 2], "damaged"),
            ("empty.onnx", &[], ""),
            ("shape.onnx", &one_channel, "'mask'"),
            (
                "stranger.onnx",
                &Model::stranger(&[("x", [-1, 4, 96, 96])], ("y", [-1, 4, 96, 96]))
                    .node("Identity", &["x"], "y")
                    .to_bytes(),
                "mdecomplete.contract",
            ),
        ] {
            let file = model_file(name, model);
            element.set_property("model-file", file.to_str());
            let errors = errors_at_start(&element);
            let [error] = errors.as_slice() else {
                panic!("{name}: {errors:?}");
            };
            assert!(
                error.contains(name) && error.contains(reason),
                "{name}: {error}"
            );
        }

        element.set_property("model-file", "/nonexistent/face.onnx");
        let errors = errors_at_start(&element);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("/nonexistent/face.onnx"), "{errors:?}");

        // It is not stuck: with a model it starts.
        let file = model_file("good.onnx", &whole);
        element.set_property("model-file", file.to_str());
        assert_eq!(errors_at_start(&element), [""; 0]);
    });
}

#[test]
fn the_provider_in_use_is_told() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let active = || element.property::<Option<String>>("active-execution-provider");
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        assert_eq!(active(), None);
        element.set_state(gst::State::Paused).expect("starting");
        assert_eq!(active().as_deref(), Some("cpu"));

        let message = bus
            .iter_filtered(&[gst::MessageType::Element])
            .find(|message| message.has_name("mdecomplete/provider"))
            .expect("a message");
        let structure = message.structure().expect("a structure");
        assert_eq!(structure.get("execution-provider"), Ok("cpu"));
        assert_eq!(structure.get("precision"), Ok("fp32"));
        assert!(
            !structure
                .get::<&str>("reason")
                .expect("a reason")
                .is_empty()
        );
        assert_eq!(
            structure
                .get::<gst::Array>("attempts")
                .expect("attempts")
                .len(),
            1
        );

        element.set_state(gst::State::Null).expect("stopping");
        assert_eq!(active(), None);
    });
}

#[test]
fn the_fallback_policy_decides_on_a_provider_that_is_not_there() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property_from_str("execution-provider", "tensorrt");
        element.set_property_from_str("precision", "fp16");
        element.set_property_from_str("fallback-policy", "error");
        let errors = errors_at_start(&element);
        if errors.is_empty() {
            eprintln!("skipped: there is a GPU with TensorRT here");
            return;
        }
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("tensorrt"), "{errors:?}");

        element.set_property_from_str("fallback-policy", "next");
        assert_eq!(errors_at_start(&element), [""; 0]);
    });
}

#[test]
fn defaults_are_as_documented() {
    crate::support::init();
    let element = gst::ElementFactory::make("mdecomplete")
        .build()
        .expect("the element");
    for pspec in element.list_properties() {
        if pspec.owner_type().name() == "GstMdeComplete" {
            let value = element.property_value(pspec.name());
            let order = value.compare(pspec.default_value());
            assert_eq!(
                order,
                Some(Ordering::Equal),
                "{} is {value:?}",
                pspec.name()
            );
        }
    }
}
