//! What a person can ask for.

use std::error::Error;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::scenarios::{self, SCENARIOS, Scenario};
use crate::subjects::{self, PYTHON, SUBJECTS};

pub(crate) const HELP: &str = "\
Measures anydask beside its peers: ratios within one run, wall and CPU time.

    cargo run --release --package anydask-benches -- [options] [scenario ..]

    --rounds N              rounds, of which the median counts; 5 by default
    --smoke                 one round at a hundredth of the size: shows that it works, measures nothing
    --subjects NAME,NAME    only these, and what they are compared with
    --allocator mimalloc    everything on another allocator
    --out DIR               writes the figures, the plots, and a page of results
    --page                  measures nothing, and writes the page and the plots anew from the figures in DIR
";

/// How many rounds there are unless it is said.
const ROUNDS: usize = 5;

pub(crate) struct Options {
    pub(crate) scenarios: Vec<&'static Scenario>,
    /// Empty means all.
    pub(crate) subjects: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) is_smoke: bool,
    pub(crate) allocator: Option<String>,
    pub(crate) out: Option<PathBuf>,
    pub(crate) is_page_only: bool,
}

impl Options {
    /// `None` if help was asked for.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let mut options = Self {
            scenarios: Vec::new(),
            subjects: Vec::new(),
            rounds: ROUNDS,
            is_smoke: false,
            allocator: None,
            out: None,
            is_page_only: false,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("rounds") => options.rounds = parser.value()?.parse::<usize>()?.max(1),
                Arg::Long("smoke") => options.is_smoke = true,
                Arg::Long("subjects") => {
                    let names = parser.value()?.string()?;
                    for name in names.split(',') {
                        let is_known = subjects::find(name).is_some() || PYTHON.contains(&name);
                        options
                            .subjects
                            .push(is_known.then(|| name.to_owned()).ok_or_else(|| unknown("subject", name))?);
                    }
                }
                Arg::Long("allocator") => options.allocator = Some(parser.value()?.string()?),
                Arg::Long("out") => options.out = Some(parser.value()?.into()),
                Arg::Long("page") => options.is_page_only = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Value(name) => {
                    let name = name.string()?;
                    options.scenarios.push(scenarios::find(&name).ok_or_else(|| unknown("scenario", &name))?);
                }
                _ => return Err(argument.unexpected().into()),
            }
        }
        if options.scenarios.is_empty() {
            options.scenarios = SCENARIOS.iter().collect();
        }
        if options.is_smoke {
            options.rounds = 1;
        }
        if options.is_page_only && options.out.is_none() {
            return Err("--page needs --out".into());
        }
        Ok(Some(options))
    }
}

fn unknown(what: &str, name: &str) -> String {
    format!("there is no {what} `{name}`; --help lists them")
}

/// The scenarios and the subjects, for the help.
pub(crate) fn lists() -> String {
    let mut text = String::from("\nscenarios\n");
    for Scenario { name, title, .. } in SCENARIOS {
        text += &format!("    {name:<24}{title}\n");
    }
    text += "\nsubjects\n";
    for subject in SUBJECTS {
        text += &format!("    {:<24}{}\n", subject.name, subject.about);
    }
    for name in PYTHON {
        text += &format!("    {name:<24}where benches/python/install has put it\n");
    }
    text
}
