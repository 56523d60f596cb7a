//! Text of subtitles, out of the markup that demuxers make of it.

use gst::prelude::*;

/// Markup of single characters, and what it stands for. The last one last, so that what comes of it
/// is not taken for markup again.
const ESCAPES: [(&str, &str); 5] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&amp;", "&"),
];

/// Takes the markup out of the text that leaves `pad`; with `is_plain` tags too, such as `<i>`.
pub fn unmark(pad: &gst::Pad, is_plain: bool) {
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let text = buffer.map_readable().ok().and_then(|bytes| {
                let text = std::str::from_utf8(&bytes).ok()?;
                Some(unmarked(text, is_plain))
            });
            if let Some(text) = text {
                let mut written = gst::Buffer::from_slice(text.into_bytes());
                let flags = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS;
                // Times and flags of any buffer can be copied to a new one.
                if buffer.copy_into(written.make_mut(), flags, ..).is_ok() {
                    *buffer = written;
                }
            }
        }
        gst::PadProbeReturn::Ok
    });
}

fn unmarked(text: &str, is_plain: bool) -> String {
    let text = match is_plain {
        true => without_tags(text),
        false => text.to_owned(),
    };
    let replaced = |text: String, (from, to): (&str, &str)| text.replace(from, to);
    ESCAPES.into_iter().fold(text, replaced)
}

/// Demuxers give markup that is well-formed: each `<` begins a tag.
fn without_tags(text: &str) -> String {
    let mut is_tag = false;
    text.chars()
        .filter(|&letter| {
            let was_tag = is_tag;
            is_tag = letter == '<' || is_tag && letter != '>';
            !is_tag && !was_tag
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text_again() {
        let marked = "Tom &amp; Jerry <i>go</i> west, 5 &lt; 6, &amp;lt;";
        assert_eq!(
            unmarked(marked, false),
            "Tom & Jerry <i>go</i> west, 5 < 6, &lt;"
        );
        assert_eq!(unmarked(marked, true), "Tom & Jerry go west, 5 < 6, &lt;");
    }
}
