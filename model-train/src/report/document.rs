//! What an experiment has found, apart from how it is shown.

use serde::{Deserialize, Serialize};

/// Settings and findings of an experiment: what its JSON file holds, and what its pages and tables
/// are made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Name of the experiment.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What was set and what it was run on, by name.
    pub settings: Vec<(String, String)>,
    /// The findings in order.
    pub blocks: Vec<Block>,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Block {
    /// A paragraph.
    Text {
        /// It.
        text: String,
    },
    /// Numbers.
    Table(Table),
    /// Lines over a common axis.
    Chart(Chart),
    /// Something that should hold.
    Claim(Claim),
    /// A picture.
    Picture(Picture),
}

/// Numbers by row and column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What the numbers are, with their unit.
    pub caption: String,
    /// What the rows are.
    pub of: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Name and values of each row; `None` where there is none.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
    /// Decimals shown.
    pub decimals: usize,
    /// Whether cells are shaded by their values, as in the paper's charts of tasks.
    pub shaded: bool,
}

/// Lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// What is shown.
    pub caption: String,
    /// The axes, with their units.
    pub axes: [String; 2],
    /// Name and points of each line.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// Something that should hold, and whether it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// What should hold.
    pub text: String,
    /// Whether it does here.
    pub holds: bool,
    /// The figures that say so.
    pub evidence: String,
}

/// A picture beside the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// What is to be seen.
    pub caption: String,
    /// The PNG file, in the folder of the report.
    pub file: String,
}

impl Document {
    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text { text: text.into() });
    }

    /// Adds something that should hold.
    pub fn claim(&mut self, text: &str, holds: bool, evidence: String) {
        self.blocks.push(Block::Claim(Claim {
            text: text.to_owned(),
            holds,
            evidence,
        }));
    }
}

impl Table {
    /// An empty table of values shown with `decimals`.
    pub fn new(caption: &str, of: &str, columns: &[impl AsRef<str>], decimals: usize) -> Self {
        Self {
            caption: caption.to_owned(),
            of: of.to_owned(),
            columns: columns.iter().map(|c| c.as_ref().to_owned()).collect(),
            rows: Vec::new(),
            decimals,
            shaded: false,
        }
    }

    /// The value as it is shown.
    pub fn shown(&self, value: Option<f64>) -> String {
        value.map_or_else(String::new, |v| format!("{v:.*}", self.decimals))
    }

    /// The smallest and the largest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        let values = self.rows.iter().flat_map(|(_, v)| v.iter().flatten());
        values.fold(None, |range, &v| {
            let (low, high) = range.unwrap_or((v, v));
            Some((v.min(low), v.max(high)))
        })
    }
}
