//! What locating one face costs a frame of 1920x1080, apart from the generator: following it from
//! frame to frame, on the thread of the stream, and one pass of the detector, beside it. Then what
//! a stream of 1280x720 without a face costs, where each frame waits for the detector.
//!
//! `cargo bench --bench locate`. The frames are the demo's portrait, which `make setup` fetches,
//! enlarged, and moved by some pixels from one to the next. A frame in four looks at the face twice,
//! so that the mean is what counts.

use std::path::Path;
use std::time::{Duration, Instant};

use gst_video::{VideoFormat, VideoFrameRef, VideoInfo, VideoOrientationMethod};
use gstmdecomplete::locate::{
    Detector, DisplaySpace, LocateOptions, Locator, Picture, TrackRules, Turn,
};
use image::imageops::{self, FilterType};

const SIZE: (u32, u32) = (1920, 1080);
const FACELESS: (u32, u32) = (1280, 720);
const FRAMES: usize = 300;
const PASSES: usize = 40;
/// The face's height in the portrait and in the frames, in pixels.
const ENLARGEMENT: u32 = 3;

fn main() {
    gst::init().expect("GStreamer");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.deps/pictures/astronaut.png");
    let Ok(portrait) = image::open(&file) else {
        println!(
            "nothing measured: {} is not there, run `make setup`",
            file.display()
        );
        return;
    };
    let side = portrait.width() * ENLARGEMENT;
    let portrait = imageops::resize(&portrait.into_rgb8(), side, side, FilterType::Triangle);
    for format in [VideoFormat::I420, VideoFormat::Rgb] {
        measure(format, &portrait);
    }
    measure_without_a_face(&portrait);
}

/// Ten seconds of the portrait's lower half.
fn measure_without_a_face(portrait: &image::RgbImage) {
    let (width, height) = FACELESS;
    let suit = imageops::crop_imm(portrait, 0, portrait.height() - height, width, height);
    let info = info(VideoFormat::I420, FACELESS);
    let buffer = converted(&info, suit.to_image());
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
    let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
    let options = options(15);
    let mut locator = Locator::open().expect("detector and point net");
    let locate = |number: usize| {
        let now = Duration::from_secs(number as u64) / 30;
        let start = Instant::now();
        let tracks = locator
            .locate(&frame, &display, now, &options)
            .expect("faces");
        assert!(tracks.is_empty(), "no face in frame {number}");
        start.elapsed()
    };
    let located: Vec<Duration> = (0..FRAMES).map(locate).collect();
    let mut detector = Detector::open().expect("the detector");
    let mut picture = Picture::default();
    let search = |_| {
        let start = Instant::now();
        picture.read(&frame, &display, Turn::None, options.min_face_size, None);
        detector.detect(&picture).expect("faces");
        start.elapsed()
    };
    let searched: Vec<Duration> = (0..PASSES).map(search).collect();
    println!("I420 {width}x{height}, no face");
    let mean = |times: &[Duration]| times.iter().sum::<Duration>() / times.len() as u32;
    let share = mean(&located).as_secs_f64() / mean(&searched).as_secs_f64();
    report("looking for one, a frame", located);
    report("a search of a frame", searched);
    println!("a frame costs {:.0}% of a search", 100.0 * share);
}

fn info(format: VideoFormat, size: (u32, u32)) -> VideoInfo {
    VideoInfo::builder(format, size.0, size.1)
        .fps(gst::Fraction::new(30, 1))
        .build()
        .expect("a format")
}

fn options(detection_interval: u32) -> LocateOptions {
    LocateOptions {
        min_face_size: 0.12,
        detection_interval,
        waits: true,
        rules: TrackRules {
            hold: Duration::from_millis(400),
            smoothing: 0.5,
        },
    }
}

fn measure(format: VideoFormat, portrait: &image::RgbImage) {
    let info = info(format, SIZE);
    let frames: Vec<gst::Buffer> = (0..8).map(|k| frame(&info, portrait, 3 * k)).collect();
    let options = options(u32::MAX);
    let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
    let mut locator = Locator::open().expect("detector and point net");
    let mut follow = Vec::with_capacity(FRAMES);
    for number in 0..FRAMES {
        // There and back again.
        let place = number % 14;
        let buffer = &frames[if place < 8 { place } else { 14 - place }];
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("a frame");
        let start = Instant::now();
        let now = Duration::from_secs(number as u64) / 30;
        let tracks = locator
            .locate(&frame, &display, now, &options)
            .expect("faces");
        follow.push(start.elapsed());
        assert_eq!(tracks.len(), 1, "one face in frame {number}");
        assert_eq!(tracks[0].id, 1, "the same face in frame {number}");
    }
    // The first frame is searched.
    follow.remove(0);

    let mut detector = Detector::open().expect("the detector");
    let mut picture = Picture::default();
    let (mut read, mut detect) = (Vec::new(), Vec::new());
    for buffer in frames.iter().cycle().take(PASSES) {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("a frame");
        let start = Instant::now();
        picture.read(&frame, &display, Turn::None, options.min_face_size, None);
        read.push(start.elapsed());
        let start = Instant::now();
        detector.detect(&picture).expect("faces");
        detect.push(start.elapsed());
    }
    println!("{format} {}x{}, one face", SIZE.0, SIZE.1);
    report("following it, a frame", follow);
    report("reading a frame for the detector", read);
    report("the detector, aside", detect);
}

/// The portrait on grey, `off` pixels right of the middle.
fn frame(info: &VideoInfo, portrait: &image::RgbImage, off: i64) -> gst::Buffer {
    let mut picture = image::RgbImage::from_pixel(SIZE.0, SIZE.1, image::Rgb([110, 120, 130]));
    let left = (i64::from(SIZE.0) - i64::from(portrait.width())) / 2 + off;
    imageops::overlay(&mut picture, portrait, left, 0);
    converted(info, picture)
}

/// `picture` as a frame described by `info`.
fn converted(info: &VideoInfo, picture: image::RgbImage) -> gst::Buffer {
    let rgb = self::info(VideoFormat::Rgb, picture.dimensions());
    let sample = gst::Sample::builder()
        .buffer(&gst::Buffer::from_slice(picture.into_raw()))
        .caps(&rgb.to_caps().expect("caps"))
        .build();
    let caps = info.to_caps().expect("caps");
    let converted = gst_video::convert_sample(&sample, &caps, gst::ClockTime::NONE);
    converted
        .expect("a conversion")
        .buffer_owned()
        .expect("a buffer")
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let ms = |share: f64| {
        let place = (share * times.len() as f64) as usize;
        times[place].as_secs_f64() * 1000.0
    };
    let mean = times.iter().sum::<Duration>().as_secs_f64() * 1000.0 / times.len() as f64;
    println!(
        "{what:34} median {:6.2} ms   mean {mean:6.2} ms   p95 {:6.2} ms",
        ms(0.5),
        ms(0.95)
    );
}
