//! The rules of the sandbox, each as a fact.

mod clusters;
mod faults;
mod file;
mod hand;
mod ports;
mod registrations;
mod scene;
mod traces;
