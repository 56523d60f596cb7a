//! The model contract: what is written can be read, and what is not it is refused by name.

use std::collections::HashMap;

use mde_core::contract::{Alignment, Contract, ContractError, ValueRange, Version};
use proptest::prelude::*;

const REQUIRED: [&str; 6] = [
    "mdecomplete.contract",
    "mdecomplete.kind",
    "mdecomplete.width",
    "mdecomplete.height",
    "mdecomplete.alignment",
    "mdecomplete.value_range",
];

fn metadata() -> HashMap<&'static str, String> {
    let contract = Contract {
        version: Version::One,
        width: 96,
        height: 128,
        alignment: Alignment::FaceTemplate,
        range: ValueRange::Unit,
        training: "half, 8000 updates".to_owned(),
        license: "research only".to_owned(),
    };
    contract.to_metadata().into_iter().collect()
}

fn read(metadata: &HashMap<&'static str, String>) -> Result<Contract, ContractError> {
    Contract::from_metadata(|key| metadata.get(key).cloned())
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        version in proptest::sample::select(&Version::ALL[..]),
        (width, height) in (8_usize..=2048, 8_usize..=2048),
        face in any::<bool>(),
        range in proptest::sample::select(&ValueRange::ALL[..]),
        training: String,
        license: String,
    ) {
        let alignment = if face { Alignment::FaceTemplate } else { Alignment::None };
        let (width, height) = (2 * width, 2 * height);
        let contract = Contract { version, width, height, alignment, range, training, license };
        let stored: HashMap<_, _> = contract.to_metadata().into_iter().collect();
        prop_assert_eq!(read(&stored), Ok(contract));
    }

    #[test]
    fn any_other_value_is_refused_with_its_key(which in 0..REQUIRED.len(), value in ".*") {
        let key = REQUIRED[which];
        let mut stored = metadata();
        prop_assume!(stored[key] != value);
        // Another version, side, alignment or range may well be valid.
        prop_assume!(!["2", "none", "0,255", "-1,1"].contains(&value.as_str()));
        prop_assume!(!value.parse().is_ok_and(|side: usize| (16..=4096).contains(&side)));
        stored.insert(key, value.clone());
        match read(&stored) {
            Err(ContractError::Unexpected { key: named, found, .. }) => {
                prop_assert_eq!(named, key);
                prop_assert_eq!(found, value);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

#[test]
fn every_required_key_is_missed() {
    for key in REQUIRED {
        let mut stored = metadata();
        stored.remove(key);
        assert_eq!(read(&stored), Err(ContractError::Missing(key)));
    }
}

#[test]
fn a_model_that_keeps_another_contract_is_told_from_one_that_keeps_none() {
    let stored = metadata();
    assert!(Contract::is_claimed(|key| stored.get(key).cloned()));
    assert!(Contract::is_claimed(
        |key| (key == "mdecomplete.contract").then(|| "9".to_owned())
    ));
    assert!(!Contract::is_claimed(|_| None));
    assert!(!Contract::is_claimed(
        |key| (key == "author").then(|| "somebody".to_owned())
    ));
}

#[test]
fn the_second_version_takes_views_on_even_crops() {
    let mut stored = metadata();
    assert!(!read(&stored).unwrap().takes_views());
    stored.insert("mdecomplete.contract", "2".to_owned());
    let contract = read(&stored).unwrap();
    assert!(contract.takes_views());
    assert_eq!(contract.grid(), (48, 64));
    stored.insert("mdecomplete.width", "97".to_owned());
    let error = read(&stored).unwrap_err().to_string();
    assert!(error.contains("an even side"), "{error}");
    stored.insert("mdecomplete.contract", "1".to_owned());
    assert_eq!(read(&stored).unwrap().width, 97);
}

#[test]
fn notes_may_be_absent() {
    let mut stored = metadata();
    stored.remove("mdecomplete.training");
    stored.remove("mdecomplete.license");
    let contract = read(&stored).unwrap();
    assert_eq!((contract.training, contract.license), Default::default());
}

#[test]
fn sides_are_16_to_4096_pixels() {
    for key in ["mdecomplete.width", "mdecomplete.height"] {
        for side in ["0", "15", "4097", "-96", "96.0", "", "99999999999999999999"] {
            let mut stored = metadata();
            stored.insert(key, side.to_owned());
            let error = read(&stored).unwrap_err().to_string();
            assert!(
                error.contains(key) && error.contains("16 to 4096"),
                "{error}"
            );
        }
    }
}

#[test]
fn an_error_says_what_was_found_and_what_to_do() {
    let mut stored = metadata();
    stored.insert("mdecomplete.contract", "9".to_owned());
    let error = read(&stored).unwrap_err().to_string();
    assert!(
        error.contains("'9'") && error.contains("expected '1' or '2'"),
        "{error}"
    );
    let error = Contract::from_metadata(|_| None).unwrap_err().to_string();
    assert!(error.contains("mde-train"), "{error}");
}
