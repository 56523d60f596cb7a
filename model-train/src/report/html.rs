//! A document as one page that needs nothing beside it: styles, plots and pictures are inside.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, ImageReader};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{Block, Claim, Document, Picture, Table};
use super::plot;

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.5rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption, figcaption { text-align: left; font-weight: 600; margin-bottom: .3rem; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child { text-align: left; }
figure { margin: 1.5rem 0; }
img { image-rendering: pixelated; max-width: 100%; }
.claim { border-left: .4rem solid #b3261e; padding: .2rem .8rem; margin: 1rem 0; }
.holds { border-color: #2e7d32; }
.settings th { font-weight: normal; color: #555; }
.settings td { text-align: left; }
";

/// Width that pictures can have on a page, in pixels, and how often they are enlarged at most.
const PAGE_WIDTH: u32 = 1024;
const MOST_ENLARGED: u32 = 3;

/// The page of `document`, whose pictures are in `folder`.
///
/// # Errors
/// Where a picture cannot be read, or a plot cannot be drawn.
pub fn page(document: &Document, folder: &Path) -> Result<String> {
    let blocks: Vec<Markup> = (document.blocks.iter())
        .map(|b| block(b, folder))
        .collect::<Result<_>>()?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (document.title) }
                table.settings {
                    @for (name, value) in &document.settings {
                        tr { th { (name) } td { (value) } }
                    }
                }
                @for block in &blocks { (block) }
            }
        }
    };
    Ok(page.into_string())
}

fn block(block: &Block, folder: &Path) -> Result<Markup> {
    Ok(match block {
        Block::Text { text } => html! { p { (text) } },
        Block::Table(table) => of_table(table),
        Block::Chart(chart) => html! {
            figure {
                figcaption { (chart.caption) }
                (PreEscaped(plot::svg(chart)?))
            }
        },
        Block::Claim(claim) => of_claim(claim),
        Block::Picture(picture) => of_picture(picture, folder)?,
    })
}

fn of_table(table: &Table) -> Markup {
    let range = table.range().filter(|_| table.shaded);
    html! {
        table {
            caption { (table.caption) }
            tr { th { (table.of) } @for column in &table.columns { th { (column) } } }
            @for (name, values) in &table.rows {
                tr {
                    th { (name) }
                    @for value in values {
                        td style=[shade(*value, range)] { (table.shown(*value)) }
                    }
                }
            }
        }
    }
}

/// Background of a cell: white at the least value, blue at the greatest.
fn shade(value: Option<f64>, range: Option<(f64, f64)>) -> Option<String> {
    let (value, (low, high)) = (value?, range?);
    let share = (value - low) / (high - low).max(f64::MIN_POSITIVE);
    Some(format!(
        "background:hsl(210 80% {:.0}%)",
        98.0 - 38.0 * share
    ))
}

fn of_claim(claim: &Claim) -> Markup {
    let (class, verdict) = if claim.holds {
        ("claim holds", "Holds: ")
    } else {
        ("claim", "Does not hold here: ")
    };
    html! {
        div class=(class) { b { (verdict) } (claim.text) ". " (claim.evidence) }
    }
}

fn of_picture(picture: &Picture, folder: &Path) -> Result<Markup> {
    let path = folder.join(&picture.file);
    let png = fs::read(&path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let (width, _) = ImageReader::with_format(Cursor::new(&png), ImageFormat::Png)
        .into_dimensions()
        .with_context(|| format!("cannot show '{}'", path.display()))?;
    // Whole multiples of its pixels, as many as fit.
    let width = width * (PAGE_WIDTH / width.max(1)).clamp(1, MOST_ENLARGED);
    let address = format!("data:image/png;base64,{}", STANDARD.encode(png));
    Ok(html! {
        figure {
            figcaption { (picture.caption) }
            img src=(address) alt=(picture.caption) width=(width);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_all_it_shows_and_escapes_what_it_quotes() {
        let folder = tempfile::TempDir::new().unwrap();
        let png = folder.path().join("a.png");
        image::RgbImage::new(500, 1).save(&png).unwrap();
        fs::write(folder.path().join("broken.png"), b"PNG").unwrap();
        let mut table = Table::new("PSNR, dB", "trained on", &["I"], 2);
        table.shaded = true;
        table.rows = vec![
            ("<I>".to_owned(), vec![Some(1.005)]),
            ("II".to_owned(), vec![None]),
        ];
        let mut document = Document {
            name: "tasks".to_owned(),
            title: "Tasks".to_owned(),
            settings: vec![("data".to_owned(), "a & b".to_owned())],
            blocks: vec![
                Block::Table(table),
                Block::Picture(Picture {
                    caption: "faces".to_owned(),
                    file: "a.png".to_owned(),
                }),
            ],
        };
        document.claim("REC is best", false, "20 < 21 dB".to_owned());
        let page = page(&document, folder.path()).unwrap();
        for part in [
            "a &amp; b",
            "&lt;I&gt;",
            "<td style=\"background",
            "data:image/png;base64,iVBORw0KGgo",
            "width=\"1000\"",
            "Does not hold here",
            "20 &lt; 21 dB",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(!page.contains("src=\"http") && !page.contains("<link"));
        for file in ["gone.png", "broken.png"] {
            document.blocks.truncate(2);
            document.blocks.push(Block::Picture(Picture {
                caption: String::new(),
                file: file.to_owned(),
            }));
            let error = super::page(&document, folder.path()).unwrap_err();
            assert!(error.to_string().contains(file), "{error}");
        }
    }
}
