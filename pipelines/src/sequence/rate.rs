//! How many pictures of a sequence a second has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Pictures a second, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pictures: u32,
    seconds: u32,
}

impl Default for Rate {
    /// That of film.
    fn default() -> Self {
        Self {
            pictures: 24,
            seconds: 1,
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pictures, seconds) = text.split_once('/').unwrap_or((text, "1"));
        let number = |text: &str| {
            text.parse()
                .ok()
                .filter(|number| (1..=1_000_000).contains(number))
        };
        match (number(pictures), number(seconds)) {
            (Some(pictures), Some(seconds)) => Ok(Self { pictures, seconds }),
            _ => Err(format!(
                "'{text}' is no frame rate, such as 24 or 30000/1001"
            )),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            1 => write!(f, "{}", self.pictures),
            seconds => write!(f, "{}/{seconds}", self.pictures),
        }
    }
}

impl Rate {
    /// When the picture `number`, counted from 0, begins, to the nearest nanosecond below.
    pub fn time(self, number: u64) -> gst::ClockTime {
        let nanoseconds = u128::from(number) * u128::from(self.seconds) * 1_000_000_000;
        let nanoseconds = nanoseconds / u128::from(self.pictures);
        gst::ClockTime::from_nseconds(u64::try_from(nanoseconds).unwrap_or(u64::MAX - 1))
    }

    /// The number of the picture that begins at `time`.
    pub fn number(self, time: gst::ClockTime) -> u64 {
        let second = u128::from(self.seconds) * 1_000_000_000;
        let pictures = u128::from(time.nseconds()) * u128::from(self.pictures);
        u64::try_from((pictures + second / 2) / second).unwrap_or(u64::MAX)
    }

    /// For GStreamer.
    pub fn fraction(self) -> gst::Fraction {
        gst::Fraction::new(self.pictures.cast_signed(), self.seconds.cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_times() {
        for text in ["24", "30000/1001", "16", "1/3"] {
            let rate: Rate = text.parse().expect(text);
            assert_eq!(rate.to_string(), text);
            for number in [0, 1, 2, 99, 86_399, 10_000_000] {
                assert_eq!(rate.number(rate.time(number)), number, "{text}");
            }
        }
        for text in ["", "0", "24/0", "-1", "24/1/1", "PAL"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
