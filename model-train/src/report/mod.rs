//! What training runs and experiments tell of themselves: losses as CSV and TensorBoard events,
//! pictures as PNG, findings as JSON, HTML and Markdown.

pub mod document;
mod events;
pub mod grid;
pub mod html;
mod loss_log;
pub mod markdown;
mod plot;
pub mod sheet;

pub use loss_log::LossLog;
