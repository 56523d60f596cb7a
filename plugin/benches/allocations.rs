//! Allocations of the plug-in's own code a frame, once the stream is steady: none are allowed.
//!
//! `cargo bench --bench allocations`; ends with an error where one is made. What GStreamer and ONNX
//! Runtime allocate goes through the C library and is not counted. What is counted is one
//! allocation of GStreamer's Rust bindings for each completed region: they copy the type of the
//! meta that marks it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};

/// Frames before the stream counts as steady.
const WARM_UP: usize = 20;
/// Frames whose allocations are counted.
const FRAMES: usize = 100;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    gst::init().expect("GStreamer");
    gstmdecomplete::plugin_register_static().expect("the plug-in");
    let cases = [
        ("full-frame", 96, 96, 0),
        ("roi-list", 640, 360, 1),
        ("roi-list", 640, 360, 5),
    ];
    let mut failed = false;
    for (region, width, height, regions) in cases {
        let made = allocations(region, width, height, regions);
        let own = made.saturating_sub(FRAMES * regions.max(1) as usize);
        println!(
            "region={region} with {regions} marked: {made} allocations in {FRAMES} frames, \
             {own} of them not of a mark"
        );
        failed |= own > 0;
    }
    match failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn allocations(region: &str, width: u32, height: u32, regions: u32) -> usize {
    let element = gst::ElementFactory::make("mdecomplete")
        .property_from_str("region", region)
        .property_from_str("occlusion", "eyes")
        .property_from_str("execution-provider", "cpu")
        .build()
        .expect("the element");
    let info = VideoInfo::builder(VideoFormat::I420, width, height)
        .build()
        .expect("a video format");
    let mut harness = Harness::with_element(&element, Some("sink"), Some("src"));
    harness.set_src_caps(info.to_caps().expect("caps"));
    harness.play();
    let mut buffers: Vec<gst::Buffer> = (0..WARM_UP + FRAMES)
        .map(|_| frame(&info, regions))
        .collect();
    let mut pass = |count: usize| {
        for buffer in buffers.drain(..count) {
            // Freed here, by the C library.
            drop(harness.push_and_pull(buffer).expect("a frame"));
        }
    };
    pass(WARM_UP);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    pass(FRAMES);
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// A grey frame with boxes of faces side by side.
fn frame(info: &VideoInfo, regions: u32) -> gst::Buffer {
    let mut buffer = gst::Buffer::with_size(info.size()).expect("a buffer");
    let buffer_mut = buffer.make_mut();
    buffer_mut.map_writable().expect("memory").fill(128);
    for region in 0..regions {
        VideoRegionOfInterestMeta::add(buffer_mut, "face", (20 + 120 * region, 100, 80, 100));
    }
    buffer
}
