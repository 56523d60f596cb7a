//! Numbers, drawn as displays of seven bars draw them.

use gst_video::VideoFrameRef;
use mde_core::alignment::Point;

use super::draw::{bar, line_width};
use super::write::Writer;

/// The bars of each digit: top, upper left, upper right, middle, lower left, lower right, bottom,
/// from the highest bit down.
const DIGITS: [u8; 10] = [
    0b111_0111, 0b001_0010, 0b101_1101, 0b101_1011, 0b011_1010, 0b110_1011, 0b110_1111, 0b101_0010,
    0b111_1111, 0b111_1011,
];

/// Corners of the bars on a digit 3 wide and 5 high, in lines' widths.
const BARS: [[[f64; 2]; 2]; 7] = [
    [[0.0, 0.0], [3.0, 1.0]],
    [[0.0, 0.0], [1.0, 3.0]],
    [[2.0, 0.0], [3.0, 3.0]],
    [[0.0, 2.0], [3.0, 3.0]],
    [[0.0, 2.0], [1.0, 5.0]],
    [[2.0, 2.0], [3.0, 5.0]],
    [[0.0, 4.0], [3.0, 5.0]],
];

/// Draws `number` above the point `corner`, with its lower left corner a line's width from it.
pub fn number(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    corner: Point,
    number: u32,
) {
    let line = line_width(frame);
    let top = corner[1] - 6.0 * line;
    for (place, digit) in number.to_string().bytes().enumerate() {
        let left = corner[0] + 4.0 * line * place as f64;
        for (k, corners) in BARS.into_iter().enumerate() {
            if DIGITS[usize::from(digit - b'0')] >> (6 - k) & 1 == 1 {
                let [low, high] = corners.map(|[x, y]| [left + line * x, top + line * y]);
                bar(writer, frame, low, high);
            }
        }
    }
}
