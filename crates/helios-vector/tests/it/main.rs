//! Tests of the public interface.
#![allow(clippy::unwrap_used)]

mod calibration;
mod contract;
mod data;
mod exact;
mod kernels;
mod quantizers;
mod structures;
mod tables;
