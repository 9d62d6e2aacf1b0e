//! One program linked at several layouts: its functions lie in another order, and all else is the same. `docs/ab.md`
//! tells why.

mod call;
mod error;
mod linker;
mod product;
mod symbols;

pub use call::Call;
pub use error::LayoutError;
pub use product::Product;
pub use symbols::require_different;
