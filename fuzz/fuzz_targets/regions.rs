//! Regions of interest with any numbers, NaN and infinities among them: an error, or a region whose
//! crop can be read and written.

#![no_main]

use gst_video::{
    VideoFormat, VideoFrameRef, VideoInfo, VideoOrientationMethod, VideoRegionOfInterestMeta,
};
use gstmdecomplete::frame::{Channels, Completion, Crop, Hole, Reader, Writer};
use gstmdecomplete::locate::{DisplaySpace, POINT_FIELDS, POINTS_PARAM, Region, marked};
use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use mde_core::mask::Mask;
use mde_core::occlusion::Occlusion;

const FRAME: (u32, u32) = (64, 48);
const CROP: (usize, usize) = (24, 24);
const MOST_REGIONS: usize = 4;

fuzz_target!(|data: &[u8]| {
    gst::init().expect("GStreamer");
    let info = VideoInfo::builder(VideoFormat::Rgb, FRAME.0, FRAME.1)
        .build()
        .expect("a format");
    let mut buffer = gst::Buffer::from_mut_slice(vec![128u8; info.size()]);
    if mark(&mut buffer, &mut Unstructured::new(data)).is_err() {
        return;
    }
    let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
    let regions: Vec<Region> = marked(&buffer, &display, CROP).flatten().collect();
    for region in regions {
        complete(&mut buffer, &info, &region);
    }
});

fn mark(buffer: &mut gst::Buffer, u: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..u.int_in_range(1..=MOST_REGIONS)? {
        let rect = u.arbitrary()?;
        let mut meta = VideoRegionOfInterestMeta::add(buffer.make_mut(), "face", rect);
        meta.set_id(u.arbitrary()?);
        if u.arbitrary()? {
            let mut points = gst::Structure::new_empty(POINTS_PARAM);
            for field in POINT_FIELDS.iter().flatten() {
                points.set(*field, number(u)?);
            }
            meta.add_param(points);
        }
    }
    Ok(())
}

/// As of a face in the frame, or any number whatever.
fn number(u: &mut Unstructured<'_>) -> Result<f64> {
    match u.int_in_range(0..=3)? {
        0 => f64::arbitrary(u),
        1 => Ok(f64::from(u.arbitrary::<i32>()?)),
        _ => Ok(f64::from(u.arbitrary::<u8>()?) / 4.0),
    }
}

fn complete(buffer: &mut gst::Buffer, info: &VideoInfo, region: &Region) {
    let values = 3 * CROP.0 * CROP.1;
    let (mut image, mut inside) = (vec![0.0; values], vec![0.0; values / 3]);
    {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info).expect("a frame");
        let crop = Crop {
            size: CROP,
            rgb: &mut image,
            inside: &mut inside,
        };
        Reader::default().read(&frame, &region.to_frame, Channels::Rgb, crop);
    }
    assert!(image.iter().all(|v| (0.0..=1.0).contains(v)));
    let hole = Hole::new(&Mask::from_occlusions(CROP.0, CROP.1, [Occlusion::Eyes]), 1.0);
    let mut frame =
        VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), info).expect("a frame");
    let completion = Completion {
        rgb: &vec![1.0; values],
        image: &image,
        hole: &hole,
        channels: Channels::Rgb,
        strength: 1.0,
        grain: 1.0,
        pixels: None,
        layers: Default::default(),
        refined: None,
    };
    let _ = Writer::default().write(&mut frame, &region.to_crop, &completion);
}
