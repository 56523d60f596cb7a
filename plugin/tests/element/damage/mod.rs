//! What is missing, said by channels, mask pictures, alpha and colour; how it is blended in; and
//! all of that changing while frames flow.

use std::path::PathBuf;

use gst_check::Harness;
use gst_controller::prelude::*;
use gst_controller::{DirectControlBinding, InterpolationControlSource, InterpolationMode};
use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrame, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::frame::SUPPORTED_FORMATS;
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use image::{GrayImage, Luma};
use mde_core::alignment::TEMPLATE;
use mde_core::contract::{INPUT_IMAGE, OUTPUT};
use mde_core::occlusion::{Occlusion, Rect};

use crate::models::{Model, Values, with_runtime};
use crate::support::{
    assert_only_changed_in, assert_same, difference, harness, info, mean_fill, model_file, noise,
};

mod auto;
mod cases;
mod channels;
mod drop_outs;
mod fill;
mod film;
mod frames;
mod pictures;
mod playing;
mod scratches;
mod seen;

/// Where the masks are white, on a frame of 96x96 pixels.
const SPOT: Rect = Rect::new(20, 40, 60, 70);

/// A mask picture of `side` x `side` pixels, white in that part of it that `rect` is of a 96x96
/// frame.
fn mask_file(side: u32, rect: Rect) -> PathBuf {
    let at = |v: u32| (v * 96 / side) as usize;
    let picture = GrayImage::from_fn(side, side, |x, y| {
        Luma([255 * u8::from(rect.contains(at(x), at(y)))])
    });
    let file = model_file("mask.png", &[]);
    picture.save(&file).expect("a picture");
    file
}

fn set_mask(element: &gst::Element, file: &std::path::Path) {
    element.set_property("mask-file", file.to_str());
}

/// The file of a generator that gives each channel the crop's green.
fn green_model() -> PathBuf {
    let weights = [
        0.0, 1.0, 0.0, //
        0.0, 1.0, 0.0, //
        0.0, 1.0, 0.0,
    ];
    let model = Model::generator(96, 96)
        .constant("weights", &[3, 3, 1, 1], Values::Float(&weights))
        .node("Conv", &[INPUT_IMAGE, "weights"], OUTPUT);
    model_file("green.onnx", &model.to_bytes())
}

/// An element without an occlusion, whose generator gives each channel the crop's green.
fn green_fill() -> gst::Element {
    let element = mean_fill("");
    element.set_property("model-file", green_model().to_str());
    element
}

/// A frame as it goes in, and as it comes out.
fn next(harness: &mut Harness, frame: gst::Buffer) -> (gst::Buffer, gst::Buffer) {
    let copy = frame.copy_deep().expect("a copy");
    let out = harness.push_and_pull(copy).expect("a frame");
    (frame, out)
}

/// The samples of `component` in an 8-bit frame.
fn samples(buffer: &gst::Buffer, info: &VideoInfo, component: u32) -> Vec<u8> {
    let frame = VideoFrame::from_buffer_readable(buffer.clone(), info).expect("a frame");
    let data = frame.comp_data(component).expect("a component");
    let (stride, step) = (
        frame.comp_stride(component) as usize,
        frame.comp_pstride(component) as usize,
    );
    (0..frame.comp_height(component) as usize)
        .flat_map(|y| (0..frame.comp_width(component) as usize).map(move |x| (x, y)))
        .map(|(x, y)| data[y * stride + x * step])
        .collect()
}

/// Dim noise, with the pixels of `rect` set to the values of the components that are listed.
fn marked(info: &VideoInfo, rect: Rect, values: &[(u32, u8)]) -> gst::Buffer {
    let mut dim = noise(info, 3);
    for byte in dim.make_mut().map_writable().expect("memory").iter_mut() {
        *byte >>= 2;
    }
    let mut frame = VideoFrame::from_buffer_writable(dim, info).expect("a frame");
    let format = info.format_info();
    for &(component, value) in values {
        let index = component as usize;
        let (stride, step) = (
            frame.comp_stride(component) as usize,
            frame.comp_pstride(component) as usize,
        );
        let (shift_x, shift_y) = (format.w_sub()[index], format.h_sub()[index]);
        let data = frame.comp_data_mut(component).expect("a component");
        for y in rect.y0 >> shift_y..rect.y1 >> shift_y {
            for x in rect.x0 >> shift_x..rect.x1 >> shift_x {
                data[y * stride + x * step] = value;
            }
        }
    }
    frame.into_buffer()
}

fn bus_of(element: &gst::Element) -> gst::Bus {
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    bus
}

/// The properties in the messages on `bus` that a mask covers nothing.
fn told_to_cover_nothing(bus: &gst::Bus) -> Vec<String> {
    bus.iter_filtered(&[gst::MessageType::Element])
        .filter_map(|message| {
            let structure = message.structure()?;
            let is_it = structure.name() == "mdecomplete/covers-nothing";
            is_it.then(|| structure.get("property").expect("a property"))
        })
        .collect()
}
