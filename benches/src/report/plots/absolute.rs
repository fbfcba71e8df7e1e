//! How long a task takes, of everybody, where a thousand times as long fits on the same sheet.

use std::path::Path;

use plotters::style::text_anchor::HPos;

use super::{Axis, Drawn, INK, PALE, bar, colour, duration, line, sheet, text};
use crate::report::Results;

/// Each with the figure that is drawn.
const SCENARIOS: &[(&str, &str)] = &[
    ("independent", "wall_ns"),
    ("map", "wall_ns"),
    ("chain", "wall_ns"),
    ("tree", "wall_ns"),
    ("stencil", "wall_ns"),
    ("latency-hot", "p50_ns"),
];
const SUBJECTS: &[&str] =
    &["anydask-out", "tokio-out", "async-executor-out", "rayon", "threads", "dagx", "ray", "dask"];

const ROW: i32 = 19;
const GAP: i32 = 18;
const TOP: i32 = 96;

pub(super) fn has_figures(results: &Results) -> bool {
    SCENARIOS.iter().any(|(scenario, figure)| !bars(results, scenario, figure).is_empty())
}

pub(super) fn draw(path: &Path, results: &Results) -> Drawn {
    let groups: Vec<_> =
        SCENARIOS.iter().map(|&(scenario, figure)| (scenario, bars(results, scenario, figure))).collect();
    let groups: Vec<_> = groups.into_iter().filter(|(_, bars)| !bars.is_empty()).collect();
    let rows: i32 = groups.iter().map(|(_, bars)| bars.len() as i32 * ROW + GAP).sum();
    let bottom = TOP + rows;
    let subtitle =
        "Wall time for each task; latency: from submission to result. Each line is ten times the one before.";
    let area = sheet(path, (900, bottom as u32 + 16), "Time for each task", subtitle)?;
    let values = || groups.iter().flat_map(|(_, bars)| bars.iter().map(|(_, value)| *value));
    let low = 10_f64.powf(values().fold(f64::MAX, f64::min).min(100.0).log10().floor());
    let high = values().fold(100.0, f64::max) * 1.2;
    let axis = Axis { left: 290, right: 810, low, high };

    for decade in axis.decades() {
        line(&area, (axis.x(decade), TOP - 8), (axis.x(decade), bottom - GAP), PALE, 1)?;
        text(&area, &duration(decade), (axis.x(decade), TOP - 18), 14, INK, HPos::Center)?;
    }
    let mut y = TOP;
    for (scenario, bars) in groups {
        text(&area, scenario, (20, y + ROW / 2), 17, INK, HPos::Left)?;
        for (subject, value) in bars {
            let middle = y + ROW / 2;
            text(&area, subject, (axis.left - 10, middle), 14, INK, HPos::Right)?;
            bar(&area, (axis.left, middle - 7), (axis.x(value), middle + 7), colour(subject))?;
            text(&area, &duration(value), (axis.x(value) + 7, middle), 14, INK, HPos::Left)?;
            y += ROW;
        }
        y += GAP;
    }
    area.present()?;
    Ok(())
}

fn bars(results: &Results, scenario: &str, figure: &str) -> Vec<(&'static str, f64)> {
    let value = |subject: &&'static str| (*subject, results.figure(scenario, subject, figure));
    SUBJECTS.iter().map(value).filter(|(_, value)| *value > 0.0).collect()
}
