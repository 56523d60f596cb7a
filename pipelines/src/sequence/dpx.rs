//! Pictures of film scanners (SMPTE ST 268): RGB or grey, with 8, 10, 12 or 16 bits, not compressed.
//! GStreamer 1.22 has a decoder whose format nothing can name. Samples come as they are: what is
//! logarithmic stays so.

use image::{DynamicImage, ImageBuffer};

/// A reason for people.
type Result<T> = std::result::Result<T, String>;

/// What a header says of the samples.
struct Header {
    width: u32,
    height: u32,
    is_little: bool,
    /// Of the samples, in bytes from the start of the file.
    start: usize,
    channels: usize,
    bits: u8,
}

/// The picture in the file `bytes`, with 8 bits where it has no more and with 16 else.
///
/// # Errors
/// If it is none, is truncated, or has samples of another kind.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage> {
    let header = Header::parse(bytes)?;
    let Header {
        width,
        height,
        channels,
        ..
    } = header;
    let row_samples = width as usize * channels;
    let row_bytes = header.row_bytes(row_samples);
    let rows = header.start.checked_add(row_bytes * height as usize);
    let rows = rows.and_then(|end| bytes.get(header.start..end));
    let rows = rows.ok_or("this DPX file is truncated: its end is missing")?;
    let mut samples = Vec::with_capacity(row_samples * height as usize);
    for row in rows.chunks_exact(row_bytes.max(1)) {
        header.read_row(row, row_samples, &mut samples);
    }
    let wrong = || "its size is none".to_owned();
    let narrow = |samples: Vec<u16>| {
        samples
            .into_iter()
            .map(|sample| (sample >> 8) as u8)
            .collect()
    };
    match (channels, header.bits) {
        (1, 8) => {
            ImageBuffer::from_raw(width, height, narrow(samples)).map(DynamicImage::ImageLuma8)
        }
        (1, _) => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma16),
        (_, 8) => {
            ImageBuffer::from_raw(width, height, narrow(samples)).map(DynamicImage::ImageRgb8)
        }
        _ => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb16),
    }
    .ok_or_else(wrong)
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let is_little = match bytes.get(..4) {
            Some(b"SDPX") => false,
            Some(b"XPDS") => true,
            _ => return Err("this is no DPX file".to_owned()),
        };
        let truncated = || "this DPX file is truncated: its header is not whole".to_owned();
        let field = |at: usize, size: usize| -> Result<u32> {
            let bytes = bytes.get(at..at + size).ok_or_else(truncated)?;
            let number = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
            Ok(match is_little {
                true => bytes.iter().rev().fold(0, number),
                false => bytes.iter().fold(0, number),
            })
        };
        let (descriptor, bits, packing) = (field(800, 1)?, field(803, 1)?, field(804, 2)?);
        let encoding = field(806, 2)?;
        let channels = match descriptor {
            50 => 3,
            6 => 1,
            other => {
                return Err(format!(
                    "its samples are of the kind {other}; RGB (50) and luminance (6) are read"
                ));
            }
        };
        let is_read = matches!((bits, packing), (8 | 16, _) | (10 | 12, 1));
        if !is_read || encoding != 0 || field(770, 2)? != 1 {
            return Err(format!(
                "it has {bits} bits a sample, packing {packing}, encoding {encoding}: 8, 16, and \
                 filled 10 and 12 bits (packing 1) without compression are read"
            ));
        }
        let (width, height) = (field(772, 4)?, field(776, 4)?);
        const LONGEST_SIDE: u32 = 1 << 15;
        if !(1..=LONGEST_SIDE).contains(&width) || !(1..=LONGEST_SIDE).contains(&height) {
            return Err(format!(
                "its size of {width}x{height} pixels cannot be right"
            ));
        }
        Ok(Self {
            width,
            height,
            is_little,
            start: field(4, 4)? as usize,
            channels,
            bits: bits as u8,
        })
    }

    /// Bytes of a row of `samples`: rows begin at words of 32 bits.
    fn row_bytes(&self, samples: usize) -> usize {
        let bytes = match self.bits {
            8 => samples,
            10 => samples.div_ceil(3) * 4,
            _ => samples * 2,
        };
        bytes.next_multiple_of(4)
    }

    /// Adds the samples of a row, spread over 16 bits.
    fn read_row(&self, row: &[u8], count: usize, samples: &mut Vec<u16>) {
        let two = |bytes: &[u8]| match self.is_little {
            true => u16::from_le_bytes([bytes[0], bytes[1]]),
            false => u16::from_be_bytes([bytes[0], bytes[1]]),
        };
        let end = samples.len() + count;
        match self.bits {
            8 => samples.extend(row.iter().map(|byte| u16::from(*byte) * 257)),
            // Three to a word, from the top; the lowest two bits are empty.
            10 => samples.extend(row.chunks_exact(4).flat_map(|word| {
                let bytes = [word[0], word[1], word[2], word[3]];
                let word = match self.is_little {
                    true => u32::from_le_bytes(bytes),
                    false => u32::from_be_bytes(bytes),
                };
                [22, 12, 2].map(|shift| {
                    let sample = (word >> shift & 0x3ff) as u16;
                    sample << 6 | sample >> 4
                })
            })),
            // In the upper bits of a word of 16.
            12 => samples.extend(row.chunks_exact(2).map(|word| {
                let sample = two(word) >> 4;
                sample << 4 | sample >> 8
            })),
            _ => samples.extend(row.chunks_exact(2).map(two)),
        }
        samples.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of 2x1 pixels whose samples are `data`.
    fn file(is_little: bool, descriptor: u8, bits: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 2048];
        let mut put = |at: usize, value: u32, size: usize| {
            let all = value.to_be_bytes();
            let mut field = all[4 - size..].to_vec();
            if is_little {
                field.reverse();
            }
            bytes[at..at + size].copy_from_slice(&field);
        };
        put(0, 0x5344_5058, 4);
        put(4, 2048, 4);
        put(770, 1, 2);
        put(772, 2, 4);
        put(776, 1, 4);
        put(800, descriptor.into(), 1);
        put(803, bits.into(), 1);
        put(804, 1, 2);
        bytes.extend(data);
        bytes
    }

    #[test]
    fn samples_of_all_depths_are_read() {
        // 1, 2, 3 and 1023, 0, 512.
        let ten: [u32; 2] = [1 << 22 | 2 << 12 | 3 << 2, 1023 << 22 | 512 << 2];
        for is_little in [false, true] {
            let word = |word: u32| match is_little {
                true => word.to_le_bytes(),
                false => word.to_be_bytes(),
            };
            let bytes = file(is_little, 50, 10, &ten.map(word).concat());
            let picture = decode(&bytes).expect("10 bits");
            let samples = picture.as_rgb16().expect("16 bits").as_raw();
            let ten: Vec<_> = samples.iter().map(|sample| sample >> 6).collect();
            assert_eq!(ten, [1, 2, 3, 1023, 0, 512]);
            assert_eq!(samples[3], u16::MAX);
        }
        let grey = decode(&file(false, 6, 8, &[7, 200, 0, 0])).expect("8 bits");
        assert_eq!(grey.as_luma8().expect("grey").as_raw(), &[7, 200]);
        let wide = decode(&file(true, 6, 16, &[1, 2, 3, 4])).expect("16 bits");
        assert_eq!(wide.as_luma16().expect("grey").as_raw(), &[0x201, 0x403]);
        let twelve = decode(&file(false, 6, 12, &[0xab, 0xc0, 0xff, 0xf0])).expect("12 bits");
        assert_eq!(
            twelve.as_luma16().expect("grey").as_raw(),
            &[0xabca, 0xffff]
        );
    }

    #[test]
    fn what_is_not_read_is_said() {
        let whole = file(false, 50, 10, &[0; 8]);
        for (bytes, part) in [
            (whole[..2052].to_vec(), "truncated"),
            (whole[..400].to_vec(), "truncated"),
            (b"PNG".to_vec(), "no DPX"),
            (file(false, 100, 10, &[0; 8]), "kind 100"),
            (file(false, 50, 14, &[0; 8]), "14 bits"),
        ] {
            let refused = decode(&bytes).expect_err(part);
            assert!(refused.contains(part), "{refused}");
        }
    }
}
