//! Whether a JPEG file has all of its picture: the decoder fills in grey for what is not there.

use std::io::{Error, ErrorKind};

/// Begins each marker. In compressed data a 0 follows it.
const MARKER: u8 = 0xff;
const END_OF_IMAGE: u8 = 0xd9;

/// Follows the markers of `bytes`, a JPEG file, to the one that ends its picture; what comes after
/// does not matter.
///
/// # Errors
/// [`ErrorKind::UnexpectedEof`] where there is none: the file has been cut.
pub fn check_end(bytes: &[u8]) -> Result<(), Error> {
    match reaches_end(bytes) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::UnexpectedEof,
            "the file ends before its picture does",
        )),
    }
}

fn reaches_end(bytes: &[u8]) -> bool {
    // The first marker stands alone.
    let mut rest = bytes.get(2..).unwrap_or(&[]);
    loop {
        let Some((marker, behind)) = next_marker(rest) else {
            return false;
        };
        rest = match marker {
            END_OF_IMAGE => return true,
            // Stuffing, restart markers and the one without a meaning: nothing belongs to them.
            0x00 | 0x01 | 0xd0..=0xd7 => behind,
            _ => {
                let &[high, low, ..] = behind else {
                    return false;
                };
                let length = usize::from(u16::from_be_bytes([high, low]));
                behind.get(length..).unwrap_or(&[])
            }
        };
    }
}

/// The next marker and what comes after it.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let at = bytes.iter().position(|&byte| byte == MARKER)?;
    // Any number of them may stand before a marker.
    let behind = &bytes[at..];
    let named = behind.iter().position(|&byte| byte != MARKER)?;
    Some((behind[named], &behind[named + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_within_a_segment_or_within_data_is_none() {
        let head: &[u8] = &[0xff, 0xd8, 0xff, 0xe1, 0, 4, 0xff, 0xd9];
        let scan: &[u8] = &[0xff, 0xda, 0, 2, 1, 0xff, 0, 0xff, 0xd0, 2];
        let whole = [head, scan, &[0xff, 0xd9, 7]].concat();
        assert!(check_end(&whole).is_ok());
        for end in 0..whole.len() - 1 {
            assert!(check_end(&whole[..end]).is_err(), "{end}");
        }
    }
}
