//! What a training can be set to.

use std::fmt;

use crate::random::Random;

/// Fewest and most units.
const UNITS: (f64, f64) = (2.0, 12.0);
/// Smallest and largest learning rate, as powers of ten. The largest ones diverge.
const RATE: (f64, f64) = (-3.0, 0.2);
/// Least and most of the last step that goes into the next one.
const MOMENTUM: (f64, f64) = (0.0, 0.98);
/// Least and most decay of the weights, as powers of ten.
const DECAY: (f64, f64) = (-6.0, -1.0);

/// How a network learns. Each is a place between its least and its most, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    units: f64,
    rate: f64,
    momentum: f64,
    decay: f64,
}

impl Settings {
    /// Anything.
    pub(crate) fn draw(random: &mut Random) -> Self {
        Self { units: random.even(), rate: random.even(), momentum: random.even(), decay: random.even() }
    }

    /// Something about `step` away.
    pub(crate) fn around(&self, step: f64, random: &mut Random) -> Self {
        let mut moved = |place: f64| (place + step * random.bell() / 2.0).clamp(0.0, 1.0);
        Self {
            units: moved(self.units),
            rate: moved(self.rate),
            momentum: moved(self.momentum),
            decay: moved(self.decay),
        }
    }

    /// The same with a smaller learning rate, down to one that does not diverge.
    pub(crate) fn more_careful(&self) -> Self {
        Self { rate: self.rate / 2.0, ..*self }
    }

    pub(crate) fn units(&self) -> usize {
        between(UNITS, self.units).round() as usize
    }

    pub(crate) fn rate(&self) -> f64 {
        10_f64.powf(between(RATE, self.rate))
    }

    pub(crate) fn momentum(&self) -> f64 {
        between(MOMENTUM, self.momentum)
    }

    pub(crate) fn decay(&self) -> f64 {
        10_f64.powf(between(DECAY, self.decay))
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, rate, momentum, decay) = (self.units(), self.rate(), self.momentum(), self.decay());
        write!(f, "{units} units, learning rate {rate:.4}, momentum {momentum:.3}, decay {decay:.1e}")
    }
}

fn between((least, most): (f64, f64), place: f64) -> f64 {
    least + (most - least) * place
}
