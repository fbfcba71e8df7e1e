//! How anydask compares with tokio in each scenario: bars to the left are less than tokio's, to the right more.

use std::path::Path;

use plotters::style::text_anchor::HPos;

use super::{Axis, Drawn, INK, MISSED, OURS, PALE, PLAIN, bar, line, sheet, text};
use crate::goals;
use crate::report::Results;
use crate::report::format::ratio;
use crate::scenarios::SCENARIOS;
use crate::subjects::REFERENCE;

const ROW: i32 = 26;
const TOP: i32 = 92;

struct Bar {
    label: String,
    ratio: f64,
    gate: Option<f64>,
}

pub(super) fn has_figures(results: &Results) -> bool {
    !bars(results).is_empty()
}

pub(super) fn draw(path: &Path, results: &Results) -> Drawn {
    let bars = bars(results);
    let bottom = TOP + ROW * bars.len() as i32;
    let subtitle = "Ratio to tokio::spawn in the same round, on a logarithmic scale. Black marks are goals: green meets them, red \
                    misses; grey has none.";
    let area = sheet(path, (900, bottom as u32 + 30), "anydask ÷ tokio", subtitle)?;
    let low = bars.iter().map(|bar| bar.ratio * 0.7).fold(0.1, f64::min);
    let high = bars.iter().map(|bar| bar.ratio * 1.3).fold(4.0, f64::max);
    let axis = Axis { left: 330, right: 800, low, high };

    let marks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    for mark in marks.into_iter().filter(|mark| (low..=high).contains(mark)) {
        let (x, is_one) = (axis.x(mark), mark == 1.0);
        line(&area, (x, TOP - 6), (x, bottom), if is_one { INK } else { PALE }, 1)?;
        text(&area, &format!("{mark}"), (x, TOP - 16), 14, INK, HPos::Center)?;
    }
    text(&area, "less than tokio", (axis.x(1.0) - 12, bottom + 12), 14, INK, HPos::Right)?;
    text(&area, "more than tokio", (axis.x(1.0) + 12, bottom + 12), 14, INK, HPos::Left)?;
    for (index, Bar { label, ratio: value, gate }) in bars.iter().enumerate() {
        let middle = TOP + ROW * index as i32 + ROW / 2;
        let (from, to) = (axis.x(1.0).min(axis.x(*value)), axis.x(1.0).max(axis.x(*value)));
        text(&area, label, (axis.left - 16, middle), 15, INK, HPos::Right)?;
        let colour = match gate {
            None => PLAIN,
            Some(gate) if value <= gate => OURS,
            Some(_) => MISSED,
        };
        bar(&area, (from, middle - 8), (to, middle + 8), colour)?;
        if let Some(gate) = gate {
            line(&area, (axis.x(*gate), middle - 11), (axis.x(*gate), middle + 11), INK, 3)?;
        }
        text(&area, &ratio(*value), (890, middle), 15, INK, HPos::Right)?;
    }
    area.present()?;
    Ok(())
}

/// The first figure that is compared of each scenario, and both of the latencies.
fn bars(results: &Results) -> Vec<Bar> {
    let mut bars = Vec::new();
    for scenario in SCENARIOS {
        let compared: Vec<_> = scenario.columns.iter().filter(|column| column.has_ratio).collect();
        let is_latency = compared.first().is_some_and(|column| column.figure == "p50_ns");
        let count = if is_latency { 2 } else { 1 };
        for column in compared.into_iter().take(count) {
            let ratio = results.ratio(scenario.name, "anydask-out", REFERENCE, column.figure);
            let goals = goals::of(scenario.name, &results.about.allocator);
            let gate = goals.iter().find(|goal| {
                goal.subject == "anydask-out" && goal.against == Some(REFERENCE) && goal.figure == column.figure
            });
            if ratio > 0.0 && ratio.is_finite() {
                let label = format!("{}: {}", scenario.name, column.heading);
                bars.push(Bar { label, ratio, gate: gate.map(|goal| goal.gate) });
            }
        }
    }
    bars
}
