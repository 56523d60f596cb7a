//! A page about a run, for people: one file that needs no other.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::manifest::{self, Figures, Record, State};
use super::worker::Workers;
use crate::aside::Aside;
use crate::interrupt::Interrupt;
use crate::progress::{Stretch, clock};
use crate::{Error, Result};

/// The name of the page in the folder of a run.
pub const NAME: &str = "report.html";

/// Pictures a clip.
const PICTURES: usize = 4;

const STYLE: &str = include_str!("report.css");

/// Writes the page about `records` into the folder `out`.
///
/// # Errors
/// [`Error::Output`] or [`Error::Full`] if it cannot be written; [`Error::Interrupted`].
pub fn write(
    records: &[&Record],
    out: &Path,
    workers: &Workers,
    interrupt: &Interrupt,
) -> Result<()> {
    let place = out.join(NAME);
    let aside = Aside::begin(&place, &out.join(manifest::NAME), true)?;
    let mut page = head(records);
    for record in records {
        interrupt.check()?;
        clip(&mut page, record, out, workers);
    }
    page.push_str("</main>\n</html>\n");
    fs::write(aside.path(), page).map_err(|e| Error::writing(&place, e))?;
    aside.finish()
}

fn head(records: &[&Record]) -> String {
    let count = |state| {
        records
            .iter()
            .filter(|record| record.state == state)
            .count()
    };
    let figures = || records.iter().filter_map(|record| record.figures.as_ref());
    let frames: u64 = figures().map(|figures| figures.summary.frames).sum();
    let changed: u64 = figures().map(|figures| figures.summary.changed).sum();
    let seconds: f64 = figures().map(|figures| figures.seconds).sum();
    let failed = count(State::Failed) + count(State::Queued) + count(State::Running);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Restored</title>\n\
         <style>\n{STYLE}</style>\n<main>\n<h1>Restored</h1>\n<p class=\"sum\">{} of {} clips, \
         {changed} of {frames} frames changed, {} of work, written {}</p>\n{}",
        count(State::Done),
        records.len(),
        clock(seconds),
        manifest::now(),
        match failed {
            0 => String::new(),
            _ => format!("<p class=\"bad\">{failed} without an output, see below</p>\n"),
        }
    )
}

/// Adds what is known of a clip.
fn clip(page: &mut String, record: &Record, out: &Path, workers: &Workers) {
    let name = escaped(&record.output);
    // Writing to a text does not fail.
    let _ = writeln!(
        page,
        "<section>\n<h2>{name}</h2>\n<p class=\"from\">{}</p>",
        escaped(&record.input)
    );
    for note in record.reason.iter().chain(&record.notes) {
        let _ = writeln!(page, "<p class=\"bad\">{}</p>", escaped(note));
    }
    if let Some(figures) = &record.figures {
        let _ = writeln!(
            page,
            "<p>{}; it took {}</p>",
            escaped(&figures.summary.to_string()),
            clock(figures.seconds)
        );
        shares(page, figures);
        timeline(page, figures);
        strips(page, record, figures, out, workers);
    }
    page.push_str("</section>\n");
}

/// Adds where what was missing came from.
fn shares(page: &mut String, figures: &Figures) {
    let told = figures
        .summary
        .shares
        .iter()
        .filter(|(_, share)| **share >= 0.005);
    let told: Vec<_> = told
        .map(|(name, share)| format!("{:.0} % {}", 100.0 * share, name.replace('-', " ")))
        .collect();
    if !told.is_empty() {
        let _ = writeln!(page, "<p>Of what was missing: {}</p>", told.join(", "));
    }
}

/// Adds a line as long as the recording, with what was changed of it.
fn timeline(page: &mut String, figures: &Figures) {
    let stretches = &figures.summary.stretches;
    let whole = duration(figures);
    page.push_str("<svg class=\"time\" viewBox=\"0 0 1000 12\" preserveAspectRatio=\"none\">");
    for [begin, end] in stretches {
        let (x, width) = (
            1000.0 * begin / whole,
            (1000.0 * (end - begin) / whole).max(1.0),
        );
        let _ = write!(
            page,
            "<rect x=\"{x:.1}\" width=\"{width:.1}\" height=\"12\"/>"
        );
    }
    let _ = writeln!(
        page,
        "</svg>\n<p class=\"scale\"><span>0:00</span><span>{}</span></p>",
        clock(whole)
    );
}

/// How many seconds a clip plays, more than 0.
fn duration(figures: &Figures) -> f64 {
    let last = figures.summary.stretches.last();
    let end = last.map_or(0.0, |[_, end]| *end);
    figures.duration.unwrap_or(end).max(end).max(1e-9)
}

/// Adds pictures of before and after.
fn strips(page: &mut String, record: &Record, figures: &Figures, out: &Path, workers: &Workers) {
    let moments = moments(&figures.summary.stretches);
    if moments.is_empty() {
        return;
    }
    let pictures = |file: &Path| workers.pictures(file, &moments, duration(figures));
    let both = pictures(Path::new(&record.input)).and_then(|before| {
        let after = pictures(&out.join(&record.output))?;
        Ok((before, after))
    });
    match both {
        Ok((before, after)) => {
            page.push_str("<div class=\"strip\">\n");
            for ((moment, before), after) in moments.iter().zip(before).zip(after) {
                let jpeg =
                    |picture| format!("<img alt=\"\" src=\"data:image/jpeg;base64,{picture}\">");
                let _ = writeln!(
                    page,
                    "<figure>{}{}<figcaption>{}</figcaption></figure>",
                    jpeg(before),
                    jpeg(after),
                    clock(*moment)
                );
            }
            page.push_str("</div>\n");
        }
        Err(reason) => {
            let _ = writeln!(
                page,
                "<p class=\"bad\">no pictures: {}</p>",
                escaped(&reason)
            );
        }
    }
}

/// Seconds at which to look, spread evenly over what was changed.
fn moments(stretches: &[Stretch]) -> Vec<f64> {
    let whole: f64 = stretches.iter().map(|[begin, end]| end - begin).sum();
    let at = |part: usize| {
        let mut rest = whole * (part as f64 + 0.5) / PICTURES as f64;
        stretches.iter().find_map(|[begin, end]| {
            let length = end - begin;
            match rest < length {
                true => Some(begin + rest),
                false => {
                    rest -= length;
                    None
                }
            }
        })
    };
    (0..PICTURES).filter_map(at).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_lie_in_what_was_changed() {
        let stretches = [[1.0, 2.0], [10.0, 13.0]];
        assert_eq!(moments(&stretches), [1.5, 10.5, 11.5, 12.5]);
        assert!(moments(&[]).is_empty());
    }

    #[test]
    fn names_are_no_markup() {
        assert_eq!(escaped("<b> & c"), "&lt;b&gt; &amp; c");
    }
}
