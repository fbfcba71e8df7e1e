//! What a function of a user's is called for, and what it has to give.

use ndarray::{ArrayD, Slice};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::array::mapping::BlockPlace;
use crate::array::{ArrayError, Block, Element};
use crate::client::caught;
use crate::task::{Failure, Key};

/// What a function has to give for a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expected {
    /// Which block: its place along each axis. Errors name it.
    pub(crate) place: Vec<usize>,
    pub(crate) shape: Vec<usize>,
    /// How much is cut off then, at the beginning and at the end of each axis. Empty for nothing.
    pub(crate) margins: Vec<(usize, usize)>,
}

impl Expected {
    /// All of a block.
    pub(crate) fn whole(place: &BlockPlace) -> Self {
        Self { place: place.block.clone(), shape: place.shape.clone(), margins: Vec::new() }
    }

    /// Calls the function. Its error and its panic name the block.
    pub(crate) fn told<T>(&self, call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        match caught(|| Key::from("function"), call) {
            Ok(returned) => returned.map_err(|failure| self.failed(failure)),
            Err(Error::Panicked { message, location: Some(location), .. }) => {
                Err(self.wrong(format!("the function panicked at {location}: {message}")).into())
            }
            Err(Error::Panicked { message, .. }) => Err(self.wrong(format!("the function panicked: {message}")).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The error of the function, with the block. What a client or a task's context says stays as it is: the engine knows a
    /// cancellation by it.
    pub(crate) fn failed(&self, failure: Failure) -> Failure {
        if failure.is::<Error>() {
            return failure;
        }
        let mut message = failure.to_string();
        let mut source = failure.source();
        while let Some(error) = source {
            message.push_str(&format!(": {error}"));
            source = error.source();
        }
        self.wrong(message).into()
    }

    /// The block of what the function has given.
    pub(crate) fn block<T: Element>(&self, given: ArrayD<T>) -> Result<Block, ArrayError> {
        if given.shape() != self.shape {
            let message = format!("the function gave shape {:?} where {:?} is needed", given.shape(), self.shape);
            return Err(self.wrong(message));
        }
        if self.margins.iter().all(|margin| *margin == (0, 0)) {
            return Ok(Block::from(given));
        }
        let ends: Option<Vec<usize>> = (self.margins.iter().zip(&self.shape))
            .map(|((before, after), length)| length.checked_sub(*after).filter(|end| end >= before))
            .collect();
        let Some(ends) = ends.filter(|_| self.margins.len() == self.shape.len()) else {
            return Err(self.wrong(format!("margins {:?} are no part of shape {:?}", self.margins, self.shape)));
        };
        let inner = given.slice_each_axis(|axis| {
            let axis = axis.axis.index();
            Slice::from(self.margins[axis].0..ends[axis])
        });
        // A copy, so that nobody keeps the margins.
        Ok(Block::from(inner.to_owned()))
    }

    fn wrong(&self, message: String) -> ArrayError {
        ArrayError::Function { block: self.place.clone(), message }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::IxDyn;

    use super::*;

    #[test]
    fn margins_that_a_peer_makes_up_are_refused() {
        let block = |margins: &[(usize, usize)]| {
            let expected = Expected { place: vec![0, 3], shape: vec![4, 2], margins: margins.to_vec() };
            expected.block(ArrayD::<f64>::zeros(IxDyn(&[4, 2])))
        };
        assert_eq!(block(&[(1, 2), (0, 1)]).unwrap().shape(), [1, 1]);
        for bad in [&[(1, 2)][..], &[(3, 2), (0, 0)], &[(usize::MAX, 1), (0, 0)], &[(0, 5), (0, 0)], &[(1, 0); 3]] {
            let error = block(bad).unwrap_err();
            assert!(matches!(&error, ArrayError::Function { block, .. } if block == &[0, 3]), "{error}");
        }
    }
}
