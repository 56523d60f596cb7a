//! The cover net's contract: what is written can be read, and what is not it is refused by name.

use std::collections::HashMap;

use mde_core::contract::{Contract as OfGenerator, ContractError, ValueRange};
use mde_core::covers::{Contract, Kind};

const REQUIRED: [&str; 6] = [
    "mdecomplete.covers",
    "mdecomplete.covers.kinds",
    "mdecomplete.width",
    "mdecomplete.height",
    "mdecomplete.alignment",
    "mdecomplete.value_range",
];

fn contract() -> Contract {
    Contract {
        side: 128,
        range: ValueRange::Unit,
        training: "20000 updates of 32".to_owned(),
        license: "research only".to_owned(),
    }
}

fn metadata() -> HashMap<&'static str, String> {
    contract().to_metadata().into_iter().collect()
}

fn read(metadata: &HashMap<&'static str, String>) -> Result<Contract, ContractError> {
    Contract::from_metadata(|key| metadata.get(key).cloned())
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(read(&metadata()), Ok(contract()));
    assert_eq!(contract().grid(), 64);
    let kinds = &metadata()["mdecomplete.covers.kinds"];
    let listed: Result<Vec<Kind>, _> = kinds.split(',').map(str::parse).collect();
    assert_eq!(listed.unwrap(), Kind::ALL);
    for (channel, kind) in Kind::ALL.into_iter().enumerate() {
        assert_eq!(kind.channel(), channel);
    }
}

#[test]
fn every_required_key_is_missed_and_every_other_value_refused() {
    for key in REQUIRED {
        let mut stored = metadata();
        stored.insert(key, "101".to_owned());
        match read(&stored) {
            Err(ContractError::Unexpected {
                key: named, found, ..
            }) => {
                assert_eq!((named, found.as_str()), (key, "101"));
            }
            other => panic!("{key}: {other:?}"),
        }
        stored.remove(key);
        assert_eq!(read(&stored), Err(ContractError::Missing(key)));
    }
}

#[test]
fn a_crop_is_square() {
    let mut stored = metadata();
    stored.insert("mdecomplete.height", "64".to_owned());
    let error = read(&stored).unwrap_err().to_string();
    assert!(error.contains("'64'") && error.contains("width"), "{error}");
}

#[test]
fn a_cover_net_is_no_generator() {
    let stored = metadata();
    let lookup = |key: &str| stored.get(key).cloned();
    assert!(OfGenerator::is_claimed(lookup));
    assert!(OfGenerator::from_metadata(lookup).is_err());
}

#[test]
fn a_name_that_is_no_kind_is_told_with_those_that_are() {
    let error = "hat".parse::<Kind>().unwrap_err().to_string();
    assert!(
        error.contains("'hat'") && error.contains("'sunglasses'"),
        "{error}"
    );
}
