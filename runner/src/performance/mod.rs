//! The whole tool as functions: run benches, judge what came, write it down.
//!
//! The command line calls these and adds nothing but arguments, colours and exit codes.
//!
//! ```no_run
//! use std::path::Path;
//! use runner::config;
//! use runner::performance::{
//!     Control, Purpose, Target, TestRequest, generate_performance_report, run_performance_category_tests,
//!     run_regression_analysis,
//! };
//! use runner::report::ReportFormat;
//! use runner::store::{Folder, Store};
//!
//! let profile = config::load(Path::new("qemu.toml"))?.profile("default")?.clone();
//! let request = TestRequest {
//!     plan: profile.plan.clone(),
//!     target: Target::qemu(profile, None)?,
//!     boots: 3,
//!     revision: None,
//!     folder: Folder::find(None)?,
//!     purpose: Purpose::History,
//! };
//! let outcome = run_performance_category_tests("memory", &request, &Control::silent())?;
//! println!("{} boots", outcome.run.boots.len());
//!
//! let store = Store::open(request.folder.database())?;
//! let assessment = run_regression_analysis(&store, outcome.run, None)?;
//! println!("{}", generate_performance_report(&assessment, ReportFormat::Markdown));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod analysis;
mod error;
mod in_turn;
mod machine;
mod request;
mod run;
mod session;

pub use analysis::{
    AllOutcome, ReportRequest, generate_performance_report, run_all_tests, run_regression_analysis,
};
pub use error::TestError;
pub use in_turn::InTurn;
pub use request::{BootImage, Control, Purpose, Target, TestRequest};
pub use run::{TestOutcome, run_performance_category_tests, run_performance_tests};
pub(crate) use session::{crash_frames, plan_text, take_up};
