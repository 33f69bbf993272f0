//! The output of `hearth-codegen`, one module per service.

#[rustfmt::skip]
pub mod cloudwatch;
#[rustfmt::skip]
pub mod lambda;
#[rustfmt::skip]
pub mod logs;
#[rustfmt::skip]
pub mod sts;
