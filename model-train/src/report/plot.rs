//! Lines as inline SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::document::Chart;

const SIZE: (u32, u32) = (800, 400);
/// Colours that the colour-blind can tell apart (Okabe and Ito 2008), for as many lines; those after
/// them are dashed.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(148, 148, 40),
];
/// Length of a dash, and of the gap after it, in pixels.
const DASH: u32 = 7;
const GAP: u32 = 4;

/// The chart as an `<svg>` element.
///
/// # Errors
/// Where it cannot be drawn.
pub fn svg(chart: &Chart) -> Result<String> {
    let mut svg = String::new();
    draw(chart, &mut svg).map_err(|e| anyhow!("cannot plot '{}': {e}", chart.caption))?;
    Ok(svg)
}

fn draw(chart: &Chart, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let points = || chart.lines.iter().flat_map(|(_, points)| points);
    let x = range(points().map(|p| p.0));
    let y = range(points().map(|p| p.1));
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut plot = ChartBuilder::on(&area)
        .margin(12)
        .margin_right(30)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)?;
    plot.configure_mesh()
        .x_desc(chart.axes[0].as_str())
        .y_desc(chart.axes[1].as_str())
        .x_label_formatter(&|x| x.to_string())
        .light_line_style(WHITE)
        .draw()?;
    for (n, (name, points)) in chart.lines.iter().enumerate() {
        let style = COLOURS[n % COLOURS.len()].stroke_width(2);
        let points = points.iter().copied();
        let drawn = if n < COLOURS.len() {
            plot.draw_series(LineSeries::new(points, style))?
        } else {
            plot.draw_series(DashedLineSeries::new(points, DASH, GAP, style))?
        };
        let dash = if n < COLOURS.len() { 18 } else { DASH as i32 };
        drawn.label(name.as_str()).legend(move |(x, y)| {
            EmptyElement::at((x, y))
                + PathElement::new([(0, 0), (dash, 0)], style)
                + PathElement::new([(18 - dash, 0), (18, 0)], style)
        });
    }
    plot.configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    area.present()?;
    Ok(())
}

/// From the least to the greatest of `values`, a little wider where they are one.
fn range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    match (low.is_finite(), high > low) {
        (false, _) => 0.0..1.0,
        (true, false) => low - 0.5..low + 0.5,
        (true, true) => low..high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_names_are_drawn() {
        let chart = Chart {
            caption: "Loss".to_owned(),
            axes: ["updates".to_owned(), "loss".to_owned()],
            lines: vec![
                ("first".to_owned(), vec![(0.0, 1.0), (1.0, 0.5)]),
                ("empty".to_owned(), Vec::new()),
            ],
        };
        let svg = svg(&chart).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("polyline"));
        assert!(svg.contains("first") && svg.contains("updates"));
    }

    #[test]
    fn lines_of_one_colour_differ_in_dashes() {
        let chart = |lines: usize| Chart {
            caption: String::new(),
            axes: [String::new(), String::new()],
            lines: (0..lines)
                .map(|n| (n.to_string(), vec![(0.0, n as f64), (1.0, 0.0)]))
                .collect(),
        };
        let lines = |svg: String| svg.matches("<polyline").count();
        let [eight, nine] = [8, 9].map(|n| lines(svg(&chart(n)).unwrap()));
        assert!(
            nine > eight + 10,
            "{nine} lines are drawn, {eight} without dashes"
        );
    }
}
