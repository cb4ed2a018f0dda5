//! The hosts: how platforms carry events to the straight line.

pub mod functions;
pub mod http;
pub mod serve;
