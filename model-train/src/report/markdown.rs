//! Documents as sections of one Markdown file: numbers and claims, no pictures and no plots.

use std::fmt::Write;

use super::document::{Block, Document, Table};

/// The section of `document`.
pub fn section(document: &Document) -> String {
    let mut text = format!("## {}: {}\n\n", document.name, document.title);
    for (name, value) in &document.settings {
        // Writing to a string does not fail.
        let _ = writeln!(text, "- {name}: {value}");
    }
    text.push('\n');
    for block in &document.blocks {
        match block {
            Block::Text { text: paragraph } => text += &format!("{paragraph}\n\n"),
            Block::Table(table) => text += &of_table(table),
            Block::Claim(claim) => {
                let verdict = if claim.holds {
                    "Holds"
                } else {
                    "Does not hold here"
                };
                text += &format!("**{verdict}**: {}. {}\n\n", claim.text, claim.evidence);
            }
            Block::Chart(_) | Block::Picture(_) => {}
        }
    }
    text
}

fn of_table(table: &Table) -> String {
    let row = |name: &str, values: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = values.map(|v| format!(" {v} |")).collect();
        format!("| {name} |{}\n", cells.concat())
    };
    let mut text = format!("{}:\n\n", table.caption);
    text += &row(&table.of, &mut table.columns.iter().cloned());
    text += &row("---", &mut table.columns.iter().map(|_| "---:".to_owned()));
    for (name, values) in &table.rows {
        text += &row(name, &mut values.iter().map(|v| table.shown(*v)));
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_claims_are_written() {
        let mut table = Table::new("PSNR, dB", "occlusion", &["here", "paper"], 1);
        table
            .rows
            .push(("eyes".to_owned(), vec![Some(21.84), None]));
        let mut document = Document {
            name: "occlusions".to_owned(),
            title: "Table 3".to_owned(),
            settings: vec![("updates".to_owned(), "10".to_owned())],
            blocks: vec![Block::Table(table)],
        };
        document.claim("MDE is best", true, "21.8 dB".to_owned());
        let expected = "## occlusions: Table 3\n\n- updates: 10\n\nPSNR, dB:\n\n\
             | occlusion | here | paper |\n| --- | ---: | ---: |\n| eyes | 21.8 |  |\n\n\
             **Holds**: MDE is best. 21.8 dB\n\n";
        assert_eq!(section(&document), expected);
    }
}
