//! What a person reads who misuses the library: a compile error, and one that says what to do.
//!
//! The messages are rustc's, so they are those of the version in `rust-version`. `TRYBUILD=overwrite` writes them anew.

#![cfg(all(feature = "smol", not(miri)))]

#[test]
fn misuse_is_a_compile_error_that_a_person_understands() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
