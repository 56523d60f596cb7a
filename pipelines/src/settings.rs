//! Properties of the element, given as `NAME=VALUE`.

use std::path::Path;
use std::str::FromStr;

use gst::glib;
use gst::prelude::*;
use serde::{Deserialize, Serialize};

use crate::aside;
use crate::{Error, Result, plugin};

/// A property and the value to give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Name of the property.
    pub name: String,
    /// As `gst-launch-1.0` reads it.
    pub value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self::new(name, value)),
            _ => Err(format!(
                "'{text}' is no PROPERTY=VALUE, such as occlusion=eyes"
            )),
        }
    }
}

impl Setting {
    /// `name` shall be `value`.
    pub fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn apply(&self, element: &gst::Element) -> Result<()> {
        let Self { name, value } = self;
        let settable = |spec: &glib::ParamSpec| spec.flags().contains(glib::ParamFlags::WRITABLE);
        let spec = element.find_property(name).filter(settable);
        let spec = spec.ok_or_else(|| {
            Error::Usage(format!(
                "{0} has no property '{name}' that can be set: gst-inspect-1.0 {0} lists them",
                plugin::ELEMENT
            ))
        })?;
        let value = glib::Value::deserialize_with_pspec(value, &spec).map_err(|_| {
            Error::Usage(format!(
                "'{value}' is no value of the property '{name}', {}",
                told_of(&spec)
            ))
        })?;
        element.set_property_from_value(name, &value);
        Ok(())
    }
}

/// What is missing where nobody says it.
pub fn default() -> Setting {
    Setting::new("occlusion", "eyes")
}

/// What the property is for, and the names of its values where they have names.
fn told_of(spec: &glib::ParamSpec) -> String {
    let nicks: Vec<String> = match spec.value_type() {
        of if of.is_a(glib::Type::ENUM) => glib::EnumClass::with_type(of)
            .map(|class| class.values().iter().map(|v| v.nick().to_owned()).collect()),
        of if of.is_a(glib::Type::FLAGS) => glib::FlagsClass::with_type(of)
            .map(|class| class.values().iter().map(|v| v.nick().to_owned()).collect()),
        _ => None,
    }
    .unwrap_or_default();
    if nicks.is_empty() {
        format!("whose meaning is: {}", spec.blurb().unwrap_or_default())
    } else {
        format!("which are: {}", nicks.join(", "))
    }
}

/// Gives `element` all settings, in their order.
///
/// # Errors
/// [`Error::Usage`] for the first that the element does not have or does not take.
pub fn apply(element: &gst::Element, settings: &[Setting]) -> Result<()> {
    settings
        .iter()
        .try_for_each(|setting| setting.apply(element))
}

/// Whether one of `settings` is for the property `name`.
pub fn has(settings: &[Setting], name: &str) -> bool {
    settings.iter().any(|setting| setting.name == name)
}

/// Fails where `output` is a file that one of `settings` names, such as a mask.
///
/// # Errors
/// [`Error::Output`].
pub fn keep(settings: &[Setting], output: &Path) -> Result<()> {
    for Setting { name, value } in settings {
        if aside::is_same(Path::new(value), output) {
            let reason = format!("the output is the file of {name}; name another one");
            return Err(Error::output(output, reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_name_and_a_value() {
        assert_eq!(
            "mask-file=a=b.png".parse(),
            Ok(Setting::new("mask-file", "a=b.png"))
        );
        assert!("occlusion".parse::<Setting>().is_err());
        assert!("=eyes".parse::<Setting>().is_err());
    }

    #[test]
    fn values_are_read_and_refused_by_name() -> Result<()> {
        gst::init()?;
        let element = gst::ElementFactory::make("videotestsrc").build()?;
        apply(&element, &[Setting::new("pattern", "snow")])?;
        let refused = |name, value| {
            let error = apply(&element, &[Setting::new(name, value)]).map_err(|e| e.to_string());
            error.expect_err("not a setting")
        };
        assert!(refused("pattern", "rain").contains("snow"));
        assert!(refused("patern", "snow").contains("'patern'"));
        Ok(())
    }
}
