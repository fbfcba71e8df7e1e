//! How long a task takes as their number grows: a line that stays level is linear in all.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Area, Drawn, INK, PALE, colour, duration, sheet, text};
use crate::report::Results;
use crate::scenarios::{Method, SCENARIOS, Scenario};

const SUBJECTS: &[&str] = &["anydask-out", "tokio-out", "async-executor-out", "rayon", "threads", "dagx"];
const SIZE: (u32, u32) = (900, 420);

pub(super) fn has_figures(results: &Results) -> bool {
    growing(results).next().is_some()
}

fn growing(results: &Results) -> impl Iterator<Item = &'static Scenario> {
    let has_figures = |scenario: &&Scenario| !results.rounds_of(scenario.name, SUBJECTS[0]).is_empty();
    SCENARIOS.iter().filter(|scenario| matches!(scenario.method, Method::Sizes(_))).filter(has_figures)
}

pub(super) fn draw(path: &Path, results: &Results) -> Drawn {
    let subtitle =
        "Wall time for each task with 10,000 to a million of them; a level line is linear growth of the whole";
    let area = sheet(path, SIZE, "Growth", subtitle)?;
    let growing: Vec<_> = growing(results).collect();
    let (_, rest) = area.split_vertically(64);
    let (charts, legend) = rest.split_vertically(SIZE.1 - 64 - 40);
    for (part, scenario) in charts.split_evenly((1, growing.len())).iter().zip(&growing) {
        chart(part, scenario, results)?;
    }
    let step = (SIZE.0 as i32 - 40) / SUBJECTS.len() as i32;
    for (index, subject) in SUBJECTS.iter().enumerate() {
        let x = 24 + step * index as i32;
        super::bar(&legend, (x, 12), (x + 14, 20), colour(subject))?;
        text(&legend, subject, (x + 20, 16), 14, INK, HPos::Left)?;
    }
    area.present()?;
    Ok(())
}

fn chart(area: &Area<'_>, scenario: &Scenario, results: &Results) -> Drawn {
    let Method::Sizes(sizes) = scenario.method else { return Ok(()) };
    let lines: Vec<_> =
        SUBJECTS.iter().map(|subject| (*subject, points(results, scenario.name, subject, sizes))).collect();
    let values = || lines.iter().flat_map(|(_, points)| points.iter().map(|(_, value)| *value));
    if values().next().is_none() {
        return Ok(());
    }
    // Whole decades, for labels that stand apart.
    let low = 10_f64.powf(values().fold(f64::MAX, f64::min).log10().floor());
    let high = 10_f64.powf(values().fold(0.0, f64::max).log10().ceil());
    let (first, last) = (sizes[0] as f64, sizes[sizes.len() - 1] as f64);
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(20)
        .caption(scenario.name, ("sans-serif", 17).into_font().color(&INK))
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d((first..last).log_scale(), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(PALE)
        .x_labels(sizes.len())
        .y_labels((high / low).log10().round() as usize + 1)
        .x_label_formatter(&|size| format!("1e{:.0}", size.log10()))
        .y_label_formatter(&|value| duration(*value))
        .label_style(("sans-serif", 14).into_font().color(&INK))
        .draw()?;
    for (subject, points) in lines {
        let width = if subject == "anydask-out" { 3 } else { 2 };
        let dots: Vec<_> = points.iter().map(|&point| Circle::new(point, 3, colour(subject).filled())).collect();
        chart.draw_series(LineSeries::new(points, colour(subject).stroke_width(width)))?;
        chart.draw_series(dots)?;
    }
    Ok(())
}

fn points(results: &Results, scenario: &str, subject: &str, sizes: &[usize]) -> Vec<(f64, f64)> {
    let point = |&size: &usize| (size as f64, results.figure(scenario, subject, &format!("wall_ns@{size}")));
    sizes.iter().map(point).filter(|(_, value)| *value > 0.0).collect()
}
