//! The reductions by name.

use crate::Delayed;
use crate::array::kernel::{Outcome, Reduction};
use crate::array::reductions::axes::Axes;
use crate::array::reductions::{Asked, reduce};
use crate::array::{Array, ArrayError, Element, ElementType};

/// What sums are calculated in: `f64` also for `f32`, so that they are exact to the last bit that they keep.
fn wide(element: ElementType) -> ElementType {
    match element {
        ElementType::F32 | ElementType::F64 => ElementType::F64,
        ElementType::Complex64 => ElementType::Complex64,
        _ => ElementType::I64,
    }
}

/// What means are calculated in.
fn wide_float(element: ElementType) -> ElementType {
    if element == ElementType::Complex64 { element } else { ElementType::F64 }
}

impl Asked {
    fn new(reduction: Reduction, element: ElementType, outcome: Outcome) -> Self {
        Self { reduction, element, outcome, needs_elements: None }
    }

    /// Refuses parameters that are no numbers.
    fn check(self) -> Result<(), ArrayError> {
        match self.outcome {
            Outcome::Variance { ddof } | Outcome::Deviation { ddof } if ddof.is_nan() => Err(ArrayError::Parameter {
                operation: "var".to_owned(),
                message: "a ddof of NaN leaves no number to divide by: give 0 or 1".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn needing(self, operation: &'static str) -> Self {
        Self { needs_elements: Some(operation), ..self }
    }
}

impl<T: Element> Array<T> {
    fn reduced<U: Element>(&self, axes: Axes, keepdims: bool, asked: Asked) -> Result<Array<U>, ArrayError> {
        self.ok()?;
        asked.check()?;
        let axes = axes.of(self)?;
        reduce(&self.operand()?, &axes, keepdims, asked)
    }

    fn reduced_all<U: Element>(&self, asked: Asked) -> Result<Delayed<U>, ArrayError> {
        asked.check()?;
        let axes = vec![true; self.ndim()];
        let array: Array<U> = self.operand().and_then(|operand| reduce(&operand, &axes, false, asked))?;
        Ok(U::scalar(array.blocks()[0].clone()))
    }

    /// A number that carries the error, as the array does.
    fn carried<U: Element>(made: Result<Delayed<U>, ArrayError>) -> Delayed<U> {
        made.unwrap_or_else(|error| U::scalar(Array::<U>::failed(error).blocks()[0].clone()))
    }

    fn sums(&self) -> Asked {
        Asked::new(Reduction::Sum, wide(T::TYPE), Outcome::Value)
    }

    fn means(&self) -> Asked {
        Asked::new(Reduction::Sum, wide_float(T::TYPE), Outcome::Mean)
    }

    fn products(&self) -> Asked {
        Asked::new(Reduction::Product, wide(T::TYPE), Outcome::Value)
    }

    fn variances(&self, outcome: Outcome) -> Asked {
        Asked::new(Reduction::Moments, wide_float(T::TYPE), outcome)
    }

    /// The sum of all elements, 0 of none. It is pairwise and compensated; floats are added as `f64`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::ones([20, 30], [7, 7]);
    /// assert_eq!(client.compute(&x.sum()).wait()?, 600.0);
    /// assert_eq!(client.compute(&x.sum_axes(0, false)?).wait()?.shape(), [30]);
    /// assert_eq!(client.compute(&x.sum_axes([0, 1], true)?).wait()?.shape(), [1, 1]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sum(&self) -> Delayed<T::Sum> {
        Self::carried(self.reduced_all(self.sums()))
    }

    /// Sums along some axes, which stay with length 1 if `keepdims`.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`], [`ArrayError::RepeatedAxis`], and the error that the array carries. So do all reductions of
    /// some axes.
    pub fn sum_axes(&self, axes: impl Into<Axes>, keepdims: bool) -> Result<Array<T::Sum>, ArrayError> {
        self.reduced(axes.into(), keepdims, self.sums())
    }

    /// The mean of all elements, NaN of none.
    pub fn mean(&self) -> Delayed<T::Float> {
        Self::carried(self.reduced_all(self.means()))
    }

    /// Means along some axes. See [`sum_axes`](Self::sum_axes).
    pub fn mean_axes(&self, axes: impl Into<Axes>, keepdims: bool) -> Result<Array<T::Float>, ArrayError> {
        self.reduced(axes.into(), keepdims, self.means())
    }

    /// The product of all elements, 1 of none.
    pub fn prod(&self) -> Delayed<T::Sum> {
        Self::carried(self.reduced_all(self.products()))
    }

    /// Products along some axes. See [`sum_axes`](Self::sum_axes).
    pub fn prod_axes(&self, axes: impl Into<Axes>, keepdims: bool) -> Result<Array<T::Sum>, ArrayError> {
        self.reduced(axes.into(), keepdims, self.products())
    }

    /// The variance of all elements: the squared distances from the mean, divided by their number less `ddof`. NaN of none. A
    /// `ddof` that is NaN is an [`ArrayError::Parameter`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 5, 1, 2);
    /// assert_eq!(client.gather((client.compute(&x.var(0.0)), client.compute(&x.var(1.0)))).wait()?, (2.0, 2.5));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn var(&self, ddof: f64) -> Delayed<T::FloatReal> {
        Self::carried(self.reduced_all(self.variances(Outcome::Variance { ddof })))
    }

    /// Variances along some axes. See [`sum_axes`](Self::sum_axes).
    pub fn var_axes(
        &self,
        axes: impl Into<Axes>,
        ddof: f64,
        keepdims: bool,
    ) -> Result<Array<T::FloatReal>, ArrayError> {
        self.reduced(axes.into(), keepdims, self.variances(Outcome::Variance { ddof }))
    }

    /// The standard deviation of all elements: the root of the [variance](Self::var).
    pub fn std(&self, ddof: f64) -> Delayed<T::FloatReal> {
        Self::carried(self.reduced_all(self.variances(Outcome::Deviation { ddof })))
    }

    /// Standard deviations along some axes. See [`sum_axes`](Self::sum_axes).
    pub fn std_axes(
        &self,
        axes: impl Into<Axes>,
        ddof: f64,
        keepdims: bool,
    ) -> Result<Array<T::FloatReal>, ArrayError> {
        self.reduced(axes.into(), keepdims, self.variances(Outcome::Deviation { ddof }))
    }
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $all:ident $axes:ident $Reduction:ident;)*) => {
        /// The smallest and the largest. NaN wins, as in NumPy.
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// [`ArrayError::Empty`] if there are none, and the error that the array carries.
            pub fn $all(&self) -> Result<Delayed<T>, ArrayError> {
                self.reduced_all(Asked::new(Reduction::$Reduction, T::TYPE, Outcome::Value).needing(stringify!($all)))
            }

            /// The same along some axes. See [`sum_axes`](Self::sum_axes).
            pub fn $axes(&self, axes: impl Into<Axes>, keepdims: bool) -> Result<Self, ArrayError> {
                let asked = Asked::new(Reduction::$Reduction, T::TYPE, Outcome::Value);
                self.reduced(axes.into(), keepdims, asked.needing(stringify!($all)))
            }
        )*}
    };
}

extremes! {
    /// The smallest element.
    min min_axes Min;
    /// The largest element.
    max max_axes Max;
}

macro_rules! places {
    ($($(#[$doc:meta])* $all:ident $axis:ident $Reduction:ident;)*) => {
        /// Where the smallest and the largest are: the first of equal ones, or the first NaN.
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// [`ArrayError::Empty`] if there are none, and the error that the array carries.
            pub fn $all(&self) -> Result<Delayed<i64>, ArrayError> {
                self.reduced_all(Asked::new(Reduction::$Reduction, T::TYPE, Outcome::Value).needing(stringify!($all)))
            }

            /// The index along an axis. See [`sum_axes`](Self::sum_axes).
            pub fn $axis(&self, axis: isize, keepdims: bool) -> Result<Array<i64>, ArrayError> {
                let asked = Asked::new(Reduction::$Reduction, T::TYPE, Outcome::Value);
                self.reduced(axis.into(), keepdims, asked.needing(stringify!($all)))
            }
        )*}
    };
}

places! {
    /// The number of the smallest element, in C order.
    argmin argmin_axis ArgMin;
    /// The number of the largest element, in C order.
    argmax argmax_axis ArgMax;
}

macro_rules! questions {
    ($($(#[$doc:meta])* $all:ident $axes:ident $Reduction:ident;)*) => {
        /// Whether elements are anything but 0.
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            pub fn $all(&self) -> Delayed<bool> {
                let asked = Asked::new(Reduction::$Reduction, ElementType::Bool, Outcome::Value);
                Self::carried(self.reduced_all(asked))
            }

            /// The same along some axes. See [`sum_axes`](Self::sum_axes).
            pub fn $axes(&self, axes: impl Into<Axes>, keepdims: bool) -> Result<Array<bool>, ArrayError> {
                let asked = Asked::new(Reduction::$Reduction, ElementType::Bool, Outcome::Value);
                self.reduced(axes.into(), keepdims, asked)
            }
        )*}
    };
}

questions! {
    /// Whether one of them is.
    any any_axes Any;
    /// Whether all of them are.
    all all_axes All;
}
