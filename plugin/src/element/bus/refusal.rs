//! Why caps are not taken, and what to put before the element.

use crate::frame::SUPPORTED_FORMATS;

/// Whether buffers of the fixed `caps` hold whole frames, not fields of their own.
pub fn has_whole_frames(caps: &gst::CapsRef) -> bool {
    let mode = caps.structure(0).map(|s| s.get("interlace-mode"));
    !matches!(mode, Some(Ok("fields" | "alternate")))
}

/// What is wrong with the fixed `caps`, which the sink pad does not accept.
pub fn reason(caps: &gst::CapsRef) -> String {
    let (structure, features) = (caps.structure(0), caps.features(0));
    let text = |field: &str| {
        let value = structure.and_then(|s| s.get::<&str>(field).ok());
        value.unwrap_or("without a name")
    };
    let what = match (structure, features) {
        _ if !has_whole_frames(caps) => format!(
            "mdecomplete works on whole frames, progressive or with both fields interleaved, and \
             was offered fields of their own (interlace-mode={}). Put deinterlace before it",
            text("interlace-mode")
        ),
        (Some(structure), _) if structure.name() != "video/x-raw" => format!(
            "mdecomplete works on raw video and was offered {}. Put a decoder before it",
            structure.name()
        ),
        (_, Some(features)) if !features.is_equal(&gst::CAPS_FEATURES_MEMORY_SYSTEM_MEMORY) => {
            format!(
                "mdecomplete works on whole frames in system memory and was offered {features}. \
                 Put the element before it that brings those there, as gldownload, cudadownload, \
                 vapostproc or v4l2convert do"
            )
        }
        _ => format!(
            "mdecomplete does not take the format {}. Put videoconvert before it",
            text("format")
        ),
    };
    let formats: Vec<_> = SUPPORTED_FORMATS
        .iter()
        .map(|format| format.to_str().as_str())
        .collect();
    format!("{what}. It takes {}", formats.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_fits_the_fault() {
        gst::init().expect("GStreamer");
        for (caps, fault, remedy) in [
            ("image/jpeg", "image/jpeg", "a decoder"),
            (
                "video/x-raw(memory:DMABuf),format=NV12",
                "memory:DMABuf",
                "gldownload",
            ),
            ("video/x-raw,format=v210", "v210", "videoconvert"),
            (
                "video/x-raw,format=I420,interlace-mode=fields",
                "interlace-mode=fields",
                "deinterlace",
            ),
            (
                "video/x-raw(format:Interlaced),format=I420,interlace-mode=alternate",
                "interlace-mode=alternate",
                "deinterlace",
            ),
            ("video/x-raw", "without a name", "videoconvert"),
        ] {
            let caps: gst::Caps = caps.parse().expect("caps");
            let reason = reason(&caps);
            assert!(
                reason.contains(fault) && reason.contains(remedy),
                "{reason}"
            );
            assert!(reason.contains("I420"), "{reason}");
        }
    }
}
