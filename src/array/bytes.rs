//! Elements as bytes, little-endian, all of a block in one piece.

use std::borrow::Cow;

use num_complex::Complex64;

/// An element that becomes bytes and comes back.
pub trait Bytes: Sized {
    /// The bytes of many.
    #[doc(hidden)]
    fn to_bytes(values: &[Self]) -> Cow<'_, [u8]>;

    /// As many as there are whole ones.
    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! bytes {
    ($($T:ty, $width:literal;)*) => {$(
        impl Bytes for $T {
            fn to_bytes(values: &[Self]) -> Cow<'_, [u8]> {
                let bytes: &[u8] = bytemuck::cast_slice(values);
                if cfg!(target_endian = "little") {
                    return bytes.into();
                }
                let mut bytes = bytes.to_vec();
                bytes.chunks_exact_mut($width).for_each(<[u8]>::reverse);
                bytes.into()
            }

            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                let mut values = vec![Self::default(); bytes.len() / size_of::<Self>()];
                let to: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
                to.copy_from_slice(&bytes[..to.len()]);
                if cfg!(target_endian = "big") {
                    to.chunks_exact_mut($width).for_each(<[u8]>::reverse);
                }
                values
            }
        }
    )*};
}

// The width is that of what is written with one byte order: a complex number is two.
bytes! { u8, 1; i32, 4; i64, 8; f32, 4; f64, 8; Complex64, 8; }

impl Bytes for bool {
    fn to_bytes(values: &[Self]) -> Cow<'_, [u8]> {
        bytemuck::cast_slice(values).into()
    }

    fn from_bytes(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|byte| *byte != 0).collect()
    }
}
