//! The dashboard as browsers and scripts meet it, over a loopback connection.

#[path = "../src/samples.rs"]
mod samples;

#[path = "dashboard/browser.rs"]
mod browser;
#[path = "dashboard/client.rs"]
mod client;
#[path = "dashboard/limits.rs"]
mod limits;
#[path = "dashboard/live.rs"]
mod live;
#[path = "dashboard/pages.rs"]
mod pages;
#[path = "dashboard/results.rs"]
mod results;
#[path = "dashboard/rights.rs"]
mod rights;
#[path = "dashboard/world.rs"]
mod world;
