//! The CPU work: a network with one layer of units, which learns a curve by gradient descent.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use anydask::TaskContext;

use crate::random::Random;
use crate::settings::Settings;

/// Points to learn from, and as many to judge by.
const POINTS: usize = 48;
/// How often a training goes over all points.
const EPOCHS: usize = 400;
/// Deviation of the noise. No network can get far below its square.
const NOISE: f64 = 0.03;
/// A loss beyond this does not come back.
const LOSS_MAX: f64 = 1e6;

/// Points of a noisy curve, as `(x, y)`.
#[derive(Debug)]
pub(crate) struct Data {
    learned: Vec<(f64, f64)>,
    /// Not learned from, so that knowing the points by heart does not win.
    judged: Vec<(f64, f64)>,
}

impl Data {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(!seed);
        let mut points = || -> Vec<_> { (0..POINTS).map(|_| point(&mut random)).collect() };
        Self { learned: points(), judged: points() }
    }
}

fn point(random: &mut Random) -> (f64, f64) {
    let x = 2.0 * random.even() - 1.0;
    (x, (5.0 * x).sin() / 2.0 + x * x / 2.0 + NOISE * random.bell())
}

/// What came of a training.
#[derive(Clone, Debug)]
pub(crate) struct Trained {
    pub(crate) settings: Settings,
    /// The mean square of what the network is wrong by.
    pub(crate) loss: f64,
}

impl fmt::Display for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.5} with {}", self.loss, self.settings)
    }
}

/// The learning rate was too high.
#[derive(Debug)]
pub(crate) struct Diverged(pub(crate) Settings);

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the training diverged with {}", self.0)
    }
}

impl Error for Diverged {}

/// Trains a network. Stops early when nobody wants it any more.
pub(crate) fn train(data: Arc<Data>, settings: Settings) -> Result<Trained, Box<dyn Error + Send + Sync>> {
    let context = TaskContext::current()?;
    let mut network = Network::new(settings.units());
    // The last step of each weight.
    let mut steps = vec![Unit::default(); network.units.len()];
    for _ in 0..EPOCHS {
        context.check()?;
        let (loss, slopes) = network.slopes(&data.learned);
        if has_diverged(loss) {
            return Err(Diverged(settings).into());
        }
        for ((unit, step), slope) in network.units.iter_mut().zip(&mut steps).zip(slopes) {
            let slope = slope.plus(settings.decay(), unit);
            *step = Unit::default().plus(settings.momentum(), step).plus(-settings.rate(), &slope);
            *unit = unit.plus(1.0, step);
        }
    }
    let (loss, _) = network.slopes(&data.judged);
    if has_diverged(loss) { Err(Diverged(settings).into()) } else { Ok(Trained { settings, loss }) }
}

fn has_diverged(loss: f64) -> bool {
    loss.is_nan() || loss > LOSS_MAX
}

/// The sum over its units.
struct Network {
    units: Vec<Unit>,
}

/// Gives `outer * tanh(inner * x + shift)`.
#[derive(Clone, Copy, Debug, Default)]
struct Unit {
    outer: f64,
    inner: f64,
    shift: f64,
}

impl Unit {
    fn plus(&self, factor: f64, other: &Self) -> Self {
        Self {
            outer: self.outer + factor * other.outer,
            inner: self.inner + factor * other.inner,
            shift: self.shift + factor * other.shift,
        }
    }
}

impl Network {
    /// One that knows nothing. It begins the same for all settings, which are what is compared.
    fn new(units: usize) -> Self {
        let mut random = Random::new(units as u64);
        let mut unit = || Unit { outer: random.bell() / 2.0, inner: 3.0 * random.bell(), shift: random.bell() };
        Self { units: (0..units).map(|_| unit()).collect() }
    }

    /// The loss, and how it changes with each weight.
    fn slopes(&self, points: &[(f64, f64)]) -> (f64, Vec<Unit>) {
        let mut loss = 0.0;
        let mut slopes = vec![Unit::default(); self.units.len()];
        let mut activities = vec![0.0; self.units.len()];
        for (x, y) in points {
            let mut error = -y;
            for (unit, activity) in self.units.iter().zip(&mut activities) {
                *activity = (unit.inner * x + unit.shift).tanh();
                error += unit.outer * *activity;
            }
            loss += error * error;
            for ((unit, slope), activity) in self.units.iter().zip(&mut slopes).zip(&activities) {
                let inside = error * unit.outer * (1.0 - activity * activity);
                *slope = slope.plus(2.0, &Unit { outer: error * activity, inner: inside * x, shift: inside });
            }
        }
        let count = points.len() as f64;
        (loss / count, slopes.iter().map(|slope| Unit::default().plus(1.0 / count, slope)).collect())
    }
}
