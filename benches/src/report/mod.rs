//! What becomes of the figures: kept by round, compared within a round, shown as tables, plots and a page.

mod about;
mod format;
mod page;
mod plots;
pub(crate) mod terminal;
mod verdict;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::measure::Figures;
pub(crate) use crate::report::about::About;
use crate::statistics::median;

/// Everything that one run of the driver has measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// Whether they are those of clusters, which have a file and a section of their own.
    #[serde(default)]
    pub(crate) is_cluster: bool,
    pub(crate) about: About,
    pub(crate) rounds: usize,
    pub(crate) is_smoke: bool,
    pub(crate) failures: usize,
    /// By scenario and subject: the figures of each round, empty ones where there are none.
    figures: BTreeMap<String, BTreeMap<String, Vec<Figures>>>,
    /// Pairs of scenario and subject.
    failed: Vec<(String, String)>,
}

impl Results {
    pub(crate) fn new(about: About, rounds: usize, is_smoke: bool) -> Self {
        Self { is_cluster: false, about, rounds, is_smoke, failures: 0, figures: BTreeMap::new(), failed: Vec::new() }
    }

    /// For the figures of clusters.
    pub(crate) fn of_clusters(self) -> Self {
        Self { is_cluster: true, ..self }
    }

    fn group(&self) -> &str {
        if self.is_cluster { CLUSTER } else { &self.about.allocator }
    }

    pub(crate) fn add(&mut self, scenario: &str, subject: &str, round: usize, figures: Figures) {
        let subjects = self.figures.entry(scenario.to_owned()).or_default();
        let rounds = subjects.entry(subject.to_owned()).or_default();
        rounds.resize(round, Figures::new());
        rounds.push(figures);
    }

    pub(crate) fn fail(&mut self, scenario: &str, subject: &str) {
        self.failures += 1;
        self.failed.push((scenario.to_owned(), subject.to_owned()));
    }

    fn has_failed(&self, scenario: &str, subject: &str) -> bool {
        self.failed.iter().any(|(one, other)| one == scenario && other == subject)
    }

    fn rounds_of(&self, scenario: &str, subject: &str) -> &[Figures] {
        self.figures.get(scenario).and_then(|subjects| subjects.get(subject)).map_or(&[], Vec::as_slice)
    }

    /// The median over the rounds; NaN if there is no such figure.
    fn figure(&self, scenario: &str, subject: &str, figure: &str) -> f64 {
        median(self.rounds_of(scenario, subject).iter().filter_map(|figures| figures.get(figure).copied()))
    }

    /// The median of the ratios within each round; NaN if there is none.
    fn ratio(&self, scenario: &str, subject: &str, against: &str, figure: &str) -> f64 {
        let (ours, theirs) = (self.rounds_of(scenario, subject), self.rounds_of(scenario, against));
        median(ours.iter().zip(theirs).filter_map(|(ours, theirs)| Some(ours.get(figure)? / theirs.get(figure)?)))
    }
}

/// Of clusters, in place of an allocator.
const CLUSTER: &str = "cluster";

/// The name of the file for one allocator, or for clusters.
fn figures_file(group: &str) -> String {
    format!("results-{group}.json")
}

/// Writes all figures, so far.
pub(crate) fn write_figures(out: &Path, results: &Results) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    let text = serde_json::to_string_pretty(results)? + "\n";
    fs::write(out.join(figures_file(results.group())), text)?;
    Ok(())
}

/// Writes the page and the plots, for every allocator that there are figures of, and for clusters.
pub(crate) fn write_page(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut passes = Vec::new();
    for group in [crate::SYSTEM, "mimalloc", CLUSTER] {
        let path = out.join(figures_file(group));
        if path.exists() {
            passes.push(serde_json::from_str::<Results>(&fs::read_to_string(path)?)?);
        }
    }
    let plots = out.join("plots");
    fs::create_dir_all(&plots)?;
    for results in &passes {
        plots::draw(&plots, results)?;
    }
    fs::write(out.join("RESULTS.md"), page::text(&passes))?;
    Ok(())
}
