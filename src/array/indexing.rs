//! Parts of an array: slices, and chosen places along an axis.

mod progression;
mod roll;
mod slice;
mod take;
mod viewed;

pub(crate) use self::viewed::viewed;
