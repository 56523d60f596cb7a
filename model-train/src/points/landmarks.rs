//! The five points of aligned CelebA pictures, as the data set's landmark files list them: the
//! number of pictures, a line of column names, then a line a picture with its name, x and y of the
//! left eye, right eye, nose, left and right mouth corner in 178x218 coordinates, and perhaps more.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mde_core::alignment::FacePoints;

/// Where the 144x144 part of a published picture begins ([`crate::data::CropRule::CelebAWide`]).
const CORNER: [f64; 2] = [16.0, 48.0];

/// The points of each picture by its name, in pixels of its 144x144 part.
///
/// # Errors
/// Where the file cannot be read or a line is not as described.
pub fn read(path: &Path) -> Result<HashMap<String, FacePoints>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let lines = text.lines().enumerate().skip(2);
    let points: HashMap<_, _> = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            parse(line).with_context(|| {
                format!(
                    "'{}', line {}: expected a picture's name and ten coordinates, found '{line}'",
                    path.display(),
                    number + 1
                )
            })
        })
        .collect::<Result<_>>()?;
    ensure!(
        !points.is_empty(),
        "'{}' lists no points: expected CelebA's format, two header lines and one line a picture",
        path.display()
    );
    Ok(points)
}

fn parse(line: &str) -> Result<(String, FacePoints)> {
    let mut fields = line.split_whitespace();
    let name = fields.next().context("an empty line")?;
    let values = fields
        .take(10)
        .map(str::parse)
        .collect::<Result<Vec<f64>, _>>()?;
    ensure!(values.len() == 10 && values.iter().all(|v| v.is_finite()));
    let mut points = FacePoints::default();
    for (point, value) in points.iter_mut().zip(values.chunks_exact(2)) {
        *point = [value[0] - CORNER[0], value[1] - CORNER[1]];
    }
    Ok((name.to_owned(), points))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "2\nlefteye_x lefteye_y ...\n";

    fn written(rows: &str) -> Result<HashMap<String, FacePoints>> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("landmarks.txt");
        fs::write(&path, format!("{HEADER}{rows}")).unwrap();
        read(&path)
    }

    #[test]
    fn published_and_estimated_rows_are_read() {
        let points = written(
            "000001.jpg  69  109  106  113   77  142   73  152  108  154\n\
             000002.jpg 67.2 110.3 107.7 113.7 79.8 143.7 70.7 156.9 107.8 156.7 1.000\n",
        )
        .unwrap();
        assert_eq!(points["000001.jpg"][0], [53.0, 61.0]);
        assert_eq!(points["000002.jpg"][4], [107.8 - 16.0, 156.7 - 48.0]);
    }

    #[test]
    fn a_bad_row_is_named() {
        let error = written("000001.jpg 69 109 106\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 3"), "{error:#}");
        assert!(written("").unwrap_err().to_string().contains("no points"));
    }
}
