//! `mde-train points samples`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use image::{Rgb, RgbImage, imageops};
use mde_core::points::SIZE;
use rand_pcg::Pcg64;

use super::DataArgs;
use crate::data::Split;
use crate::points::sample::Sample;
use crate::report::sheet;

/// Writes a picture of random training samples: what the net is shown and, as dots, what it should
/// answer, green where a point is seen and red where it is covered; no dots where it should find no
/// face.
#[derive(Args, Debug)]
pub struct Samples {
    #[command(flatten)]
    data: DataArgs,
    /// The PNG to write.
    #[arg(long)]
    out: PathBuf,
    /// Samples drawn, eight in a row.
    #[arg(long, default_value_t = 64)]
    count: usize,
    /// Seed of the samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Pixels of the sheet for one of a crop, in each direction.
const ENLARGED: u32 = 3;
const IN_A_ROW: usize = 8;
const SEEN: Rgb<u8> = Rgb([0, 255, 0]);
const COVERED: Rgb<u8> = Rgb([255, 0, 0]);

impl Samples {
    /// Draws and writes.
    pub fn run(&self) -> Result<()> {
        ensure!(self.count > 0, "--count 0: there is nothing to write");
        let faces = self.data.faces(Split::Train)?;
        let cells: Vec<RgbImage> = (0..self.count)
            .map(|number| {
                let mut rng = Pcg64::new(self.seed.into(), number as u128);
                cell(&Sample::draw(&faces, number % faces.len(), &mut rng))
            })
            .collect();
        let rows: Vec<Vec<RgbImage>> = cells.chunks(IN_A_ROW).map(<[_]>::to_vec).collect();
        sheet::write(&self.out, &rows)?;
        println!("{}", self.out.display());
        Ok(())
    }
}

fn cell(sample: &Sample) -> RgbImage {
    let side = SIZE as u32;
    let crop = RgbImage::from_fn(side, side, |x, y| {
        let at = 3 * (y as usize * SIZE + x as usize);
        Rgb([0, 1, 2].map(|channel| (255.0 * sample.crop[at + channel]).round() as u8))
    });
    let enlarged = ENLARGED * side;
    let filter = imageops::FilterType::Nearest;
    let mut picture = imageops::resize(&crop, enlarged, enlarged, filter);
    if sample.is_face == 1.0 {
        for (point, visibility) in sample.points.iter().zip(sample.visibility) {
            let colour = if visibility == 1.0 { SEEN } else { COVERED };
            let [x, y] = point.map(|v| ((v + 0.5) * f64::from(ENLARGED)).round() as i64);
            let dot = RgbImage::from_pixel(ENLARGED, ENLARGED, colour);
            imageops::replace(&mut picture, &dot, x - 1, y - 1);
        }
    }
    picture
}
