//! The plots, as SVG.

mod absolute;
mod growth;
mod ratios;

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::Results;

/// One sheet.
pub(super) struct Plot {
    pub(super) title: &'static str,
    name: &'static str,
    has_figures: fn(&Results) -> bool,
    draw: fn(&Path, &Results) -> Drawn,
}

const PLOTS: &[Plot] = &[
    Plot { title: "anydask beside tokio", name: "ratios", has_figures: ratios::has_figures, draw: ratios::draw },
    Plot { title: "Time for each task", name: "absolute", has_figures: absolute::has_figures, draw: absolute::draw },
    Plot {
        title: "Time as tasks grow in number",
        name: "growth",
        has_figures: growth::has_figures,
        draw: growth::draw,
    },
];

impl Plot {
    pub(super) fn file(&self, results: &Results) -> String {
        format!("{}-{}.svg", self.name, results.about.allocator)
    }
}

/// Those that something was measured for.
pub(super) fn of(results: &Results) -> impl Iterator<Item = &'static Plot> {
    PLOTS.iter().filter(|plot| (plot.has_figures)(results))
}

pub(super) fn draw(folder: &Path, results: &Results) -> Drawn {
    of(results).try_for_each(|plot| (plot.draw)(&folder.join(plot.file(results)), results))
}

/// Whether a file could be written.
type Drawn = Result<(), Box<dyn Error>>;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

const INK: RGBColor = RGBColor(40, 44, 52);
const PALE: RGBColor = RGBColor(214, 218, 224);
const OURS: RGBColor = RGBColor(20, 120, 105);
const MISSED: RGBColor = RGBColor(200, 90, 40);
const PLAIN: RGBColor = RGBColor(140, 150, 160);

/// The colour of a subject, the same in every plot.
fn colour(subject: &str) -> RGBColor {
    match subject {
        "anydask-out" => OURS,
        "anydask-in" => RGBColor(110, 180, 165),
        "tokio-out" => RGBColor(70, 95, 160),
        "tokio-in" => RGBColor(150, 165, 210),
        "async-executor-out" => RGBColor(140, 100, 170),
        "rayon" => RGBColor(190, 150, 60),
        "threads" => RGBColor(120, 125, 130),
        "dagx" => RGBColor(175, 85, 105),
        "dask" => RGBColor(215, 140, 40),
        "ray" => RGBColor(60, 150, 200),
        _ => INK,
    }
}

/// A sheet with a title.
fn sheet<'a>(path: &'a Path, size: (u32, u32), title: &str, subtitle: &str) -> Result<Area<'a>, Box<dyn Error>> {
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    text(&area, title, (20, 24), 22, INK, HPos::Left)?;
    text(&area, subtitle, (20, 50), 15, RGBColor(95, 100, 110), HPos::Left)?;
    Ok(area)
}

/// Text whose middle is at the height of the point.
fn text(area: &Area<'_>, text: &str, point: (i32, i32), size: u32, colour: RGBColor, side: HPos) -> Drawn {
    let style = ("sans-serif", size).into_font().color(&colour).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), point, style))?;
    Ok(())
}

fn bar(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Drawn {
    area.draw(&Rectangle::new([from, to], colour.filled()))?;
    Ok(())
}

fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBColor, width: u32) -> Drawn {
    area.draw(&PathElement::new(vec![from, to], colour.stroke_width(width)))?;
    Ok(())
}

/// A logarithmic axis across a sheet.
struct Axis {
    left: i32,
    right: i32,
    low: f64,
    high: f64,
}

impl Axis {
    fn x(&self, value: f64) -> i32 {
        let part = (value.clamp(self.low, self.high) / self.low).ln() / (self.high / self.low).ln();
        self.left + (part * f64::from(self.right - self.left)).round() as i32
    }

    /// The powers of ten.
    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
        (low..=high).map(|power| 10_f64.powi(power))
    }
}

/// A duration in the unit that suits it.
fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ns if ns >= 999_500.0 => (ns / 1e6, "ms"),
        ns if ns >= 999.5 => (ns / 1e3, "µs"),
        ns => (ns, "ns"),
    };
    let value = if value >= 9.95 { format!("{value:.0}") } else { format!("{value:.1}") };
    format!("{} {unit}", value.trim_end_matches(".0"))
}
