//! Arrays: what they give, against plain `ndarray`.

mod smoke;
