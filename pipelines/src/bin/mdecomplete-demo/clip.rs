//! The damaged clip: a portrait that moves, turns and changes its size, and a bar that comes over
//! its eyes and goes again.

use std::f64::consts::TAU;
use std::path::Path;

use anyhow::Context;
use gst::prelude::*;
use gst_controller::prelude::*;

use mdecomplete_pipelines::interrupt::Interrupt;
use mdecomplete_pipelines::pipeline;

const FPS: u32 = 30;
const FRAMES: u32 = 5 * FPS;

/// Size of the clip in pixels.
const CLIP: (i32, i32) = (640, 480);
/// The motion is drawn at twice that size and then reduced, because a compositor places pictures
/// on whole pixels, which shows as trembling in slow motion.
const DRAWN: (i32, i32) = (2 * CLIP.0, 2 * CLIP.1);
/// Side of the portrait while bar and rotation are applied; the file has 512 pixels.
const PORTRAIT: i32 = 1024;
/// The middle between the eyes, as a share of the portrait's side.
const EYES: (f64, f64) = (0.439, 0.197);
/// The bar's size, as a share of the portrait's side: the eyes cover 0.129 by 0.025.
const BAR: (f64, f64) = (0.15, 0.05);
/// From when to when the bar is there, in seconds.
const COVERED: [(f64, f64); 3] = [(1.0, 2.2), (2.8, 4.0), (4.3, 5.1)];

/// Writes the clip of the picture `portrait` to the file `clip`; gives the number of its frames.
pub fn make(portrait: &Path, clip: &Path) -> anyhow::Result<u32> {
    let description = format!(
        "filesrc name=portrait ! pngdec ! videoconvert ! videoscale method=lanczos \
           ! video/x-raw,format=AYUV,width={PORTRAIT},height={PORTRAIT} \
           ! imagefreeze num-buffers={FRAMES} ! video/x-raw,framerate={FPS}/1 ! covered.sink_0 \
         videotestsrc pattern=solid-color foreground-color=0xff00ff00 num-buffers={FRAMES} \
           ! video/x-raw,format=AYUV,width={},height={},framerate={FPS}/1 ! covered.sink_1 \
         compositor name=covered ! video/x-raw,format=AYUV,width={PORTRAIT},height={PORTRAIT} \
           ! rotate name=turned off-edge-pixels=clamp ! moved.sink_0 \
         compositor name=moved ! video/x-raw,width={},height={} ! videoscale \
           ! videoconvert ! video/x-raw,format=I420,width={},height={} \
           ! x264enc pass=qual quantizer=18 ! h264parse ! mp4mux ! filesink name=clip",
        share(BAR.0),
        share(BAR.1),
        DRAWN.0,
        DRAWN.1,
        CLIP.0,
        CLIP.1
    );
    let pipeline = pipeline::parse(&description)?;
    pipeline::set_location(&pipeline, "portrait", portrait)?;
    pipeline::set_location(&pipeline, "clip", clip)?;

    let bar = pad(&pipeline, "covered", "sink_1")?;
    animate(&bar, "xpos", |t| bar_place(t).0)?;
    animate(&bar, "ypos", |t| bar_place(t).1)?;
    animate(&bar, "alpha", |t| {
        let is_there = COVERED.iter().any(|(from, to)| (*from..*to).contains(&t));
        f64::from(u8::from(is_there))
    })?;
    animate(&pipeline::element(&pipeline, "turned")?, "angle", angle)?;
    let picture = pad(&pipeline, "moved", "sink_0")?;
    animate(&picture, "width", side)?;
    animate(&picture, "height", side)?;
    animate(&picture, "xpos", |t| picture_place(t).0)?;
    animate(&picture, "ypos", |t| picture_place(t).1)?;

    pipeline::run(&pipeline, &Interrupt::default(), &mut ())
        .with_context(|| format!("cannot make {} from {}", clip.display(), portrait.display()))?;
    Ok(FRAMES)
}

fn pad(pipeline: &gst::Pipeline, element: &str, pad: &str) -> anyhow::Result<gst::Pad> {
    pipeline::element(pipeline, element)?
        .static_pad(pad)
        .with_context(|| format!("'{element}' has no pad '{pad}'"))
}

/// A share of the portrait's side in whole pixels, even as 4:2:0 formats want it.
fn share(of_side: f64) -> i32 {
    2 * (of_side * f64::from(PORTRAIT) / 2.0).round() as i32
}

/// Upper left corner of the bar on the portrait, `t` seconds into the clip: on the eyes, with a
/// slight sway.
fn bar_place(t: f64) -> (f64, f64) {
    let sway = (wave(t, 1.1) * 0.003, wave(t, 1.7) * 0.002);
    (
        (EYES.0 - BAR.0 / 2.0 + sway.0) * f64::from(PORTRAIT),
        (EYES.1 - BAR.1 / 2.0 + sway.1) * f64::from(PORTRAIT),
    )
}

/// Turn of the portrait about its middle, in radians.
fn angle(t: f64) -> f64 {
    0.14 * wave(t, 4.0)
}

/// Side of the drawn portrait in pixels.
fn side(t: f64) -> f64 {
    f64::from(DRAWN.0) * (1.55 + 0.15 * wave(t, 5.0))
}

/// Upper left corner of the drawn portrait: the unturned eyes sway about the upper middle, and the
/// portrait covers the whole frame.
fn picture_place(t: f64) -> (f64, f64) {
    let eyes = (
        f64::from(DRAWN.0) * (0.50 + 0.05 * wave(t, 3.0)),
        f64::from(DRAWN.1) * (0.34 + 0.02 * wave(t, 2.5)),
    );
    (eyes.0 - EYES.0 * side(t), eyes.1 - EYES.1 * side(t))
}

/// A sine of the given period in seconds.
fn wave(t: f64, period: f64) -> f64 {
    (TAU * t / period).sin()
}

/// Lets a property follow `value(t)`, given at the time of each frame in seconds.
fn animate(
    object: &impl IsA<gst::Object>,
    property: &str,
    value: impl Fn(f64) -> f64,
) -> anyhow::Result<()> {
    let source = gst_controller::InterpolationControlSource::new();
    source.set_mode(gst_controller::InterpolationMode::Linear);
    for frame in 0..=FRAMES {
        let t = f64::from(frame) / f64::from(FPS);
        let time = gst::ClockTime::try_from_seconds_f64(t).context("not a time")?;
        anyhow::ensure!(
            source.set(time, value(t)),
            "'{property}' cannot be animated"
        );
    }
    let binding = gst_controller::DirectControlBinding::new_absolute(object, property, &source);
    object
        .add_control_binding(&binding)
        .with_context(|| format!("'{property}' cannot be animated"))
}
