//! Q and R by reflections: each makes one column zero below the diagonal.

use super::Field;
use super::columns::{Columns, add_multiple, inner, norm};

/// Q and R of a matrix; of `m` rows and `n` columns Q is `m × k` and R `k × n`, where `k` is the smaller of the two.
pub(super) fn factors<T: Field>(mut matrix: Columns<T>) -> (Columns<T>, Columns<T>) {
    let count = matrix.rows.min(matrix.columns.len());
    let mut factors = Vec::with_capacity(count);
    for place in 0..count {
        let (before, after) = matrix.columns.split_at_mut(place + 1);
        let column = &mut before[place][place..];
        let (factor, diagonal) = reflection(column);
        for other in after {
            reflect(&mut other[place..], factor.conjugate(), column);
        }
        factors.push((factor, diagonal));
    }
    let mut q = Columns::identity(matrix.rows, count);
    for (place, (factor, _)) in factors.iter().enumerate().rev() {
        for column in &mut q.columns[place..] {
            reflect(&mut column[place..], *factor, &matrix.columns[place][place..]);
        }
    }
    for (number, column) in matrix.columns.iter_mut().enumerate() {
        column.truncate(count);
        if let Some((_, diagonal)) = factors.get(number) {
            column[number..].fill(T::zero());
            column[number] = *diagonal;
        }
    }
    matrix.rows = count;
    (q, matrix)
}

/// Makes of a vector the one, beginning with 1, to which it is reflected, along with the factor of the reflection and the element that
/// is left of it.
fn reflection<T: Field>(vector: &mut [T]) -> (T, T) {
    let length = norm(vector);
    let Some(first) = vector.first().copied().filter(|_| length != 0.0) else {
        return (T::zero(), T::zero());
    };
    // Of the sign that makes the difference large.
    let left = T::cast_from(if first.to_f64() > 0.0 { -length } else { length });
    let difference = first - left;
    vector.iter_mut().for_each(|element| *element = *element / difference);
    vector[0] = T::one();
    ((left - first) / left, left)
}

/// Subtracts from a vector what a reflection does.
fn reflect<T: Field>(vector: &mut [T], factor: T, by: &[T]) {
    let along = inner(by, vector);
    add_multiple(vector, T::zero() - factor * along, by);
}
