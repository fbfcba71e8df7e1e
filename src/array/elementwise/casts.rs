//! Elements of other types, and choices between elements.

use crate::array::elementwise::elementwise;
use crate::array::kernel::{Binary, Operation};
use crate::array::{Array, ArrayError, Element, ElementType, Promote};

impl<T: Element> Array<T> {
    /// The elements as another type: NumPy's `astype`. Fractions are cut off, whole numbers that are too large wrap, of
    /// complex numbers the real part stays, and everything but 0 is `true`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::linspace(-1.5, 1.5, 4, 4).cast::<i32>();
    /// assert_eq!(client.compute(&x).wait()?.as_slice().unwrap(), [-1, 0, 0, 1]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cast<U: Element>(&self) -> Array<U> {
        if T::TYPE == U::TYPE {
            return self.assume();
        }
        Array::carrying(
            self.operand()
                .and_then(|operand| elementwise(&[operand], |program, operands| program.cast(operands[0], U::TYPE))),
        )
    }

    /// The elements, those below `low` replaced by it and those above `high` by that. NaN stays.
    pub fn clip(&self, low: T, high: T) -> Self {
        Self::carrying(self.operand().and_then(|operand| {
            elementwise(&[operand], |program, operands| {
                let low = program.push(T::TYPE, Operation::Constant(low.into_scalar()));
                let high = program.push(T::TYPE, Operation::Constant(high.into_scalar()));
                let raised = program.push(T::TYPE, Operation::Binary(Binary::Maximum, operands[0], low));
                program.push(T::TYPE, Operation::Binary(Binary::Minimum, raised, high))
            })
        }))
    }
}

impl Array<bool> {
    /// The elements of one array where this is true, and of another where it is not: NumPy's `where`. All three are
    /// broadcast together.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Broadcast`] with both shapes, and the error that one of them carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(-2, 3, 1, 2);
    /// let y = x.lt_scalar(0)?.choose(&-&x, &x)?;
    /// assert_eq!(client.compute(&y).wait()?.as_slice().unwrap(), [2, 1, 0, 1, 2]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn choose<T, U>(&self, yes: &Array<T>, no: &Array<U>) -> Result<Array<T::Output>, ArrayError>
    where
        T: Promote<U>,
        U: Element,
    {
        let element: ElementType = T::Output::TYPE;
        let operands = [self.operand()?, yes.operand()?, no.operand()?];
        elementwise(&operands, |program, operands| {
            let (yes, no) = (program.cast(operands[1], element), program.cast(operands[2], element));
            program.push(element, Operation::Where(operands[0], yes, no))
        })
    }
}
