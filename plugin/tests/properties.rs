//! The table in `docs/properties.md` is the element's own description of its properties.
//!
//! `make properties` writes it anew: it runs this test with `UPDATE_PROPERTIES` set.

use gst::glib;
use gst::prelude::*;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/properties.md");

const START: &str = "<!-- properties: written by `make properties` -->\n";
const END: &str = "<!-- end of properties -->\n";

#[test]
fn the_properties_are_told_as_the_element_describes_them() {
    gst::init().expect("GStreamer");
    gstmdecomplete::plugin_register_static().expect("the plug-in");
    let element = gst::ElementFactory::make("mdecomplete")
        .build()
        .expect("the element");

    let page = std::fs::read_to_string(PAGE).expect("the page");
    let (before, rest) = page.split_once(START).expect("a start marker");
    let (_, after) = rest.split_once(END).expect("an end marker");
    let wanted = format!("{before}{START}{}{END}{after}", table(&element));
    if std::env::var_os("UPDATE_PROPERTIES").is_some() {
        std::fs::write(PAGE, wanted).expect("a writable page");
    } else {
        assert!(
            page == wanted,
            "the properties in docs/properties.md are not those of the element: run `make properties`"
        );
    }
}

fn table(element: &gst::Element) -> String {
    let head = "| property | values | meaning |\n| --- | --- | --- |\n";
    let own = |pspec: &&glib::ParamSpec| pspec.owner_type() == element.type_();
    let properties = element.list_properties();
    let rows = properties.iter().filter(own).map(row);
    head.to_owned() + &rows.collect::<String>()
}

fn row(pspec: &glib::ParamSpec) -> String {
    let blurb = pspec.blurb().unwrap_or_default();
    format!(
        "| `{}` | {} | {blurb}{} |\n",
        pspec.name(),
        values(pspec),
        remarks(pspec)
    )
}

/// What the property can be set to, the default in bold.
fn values(pspec: &glib::ParamSpec) -> String {
    if !pspec.flags().contains(glib::ParamFlags::WRITABLE) {
        return "read only".to_owned();
    }
    let default = pspec.default_value();
    if let Some(pspec) = pspec.downcast_ref::<glib::ParamSpecEnum>() {
        let class = pspec.enum_class();
        let values = class.values().iter().map(|value| {
            let is_default = value.value() == pspec.default_value_as_i32();
            explained(mark(value.nick(), is_default), value.name())
        });
        return values.collect::<Vec<_>>().join("<br>");
    }
    if let Some(pspec) = pspec.downcast_ref::<glib::ParamSpecFlags>() {
        let class = pspec.flags_class();
        let values = class.values().iter().map(|value| {
            let is_default = pspec.default_value_as_u32() & value.value() != 0;
            explained(mark(value.nick(), is_default), value.name())
        });
        let values = values.collect::<Vec<_>>().join("<br>");
        let none = match pspec.default_value_as_u32() {
            0 => "; **none**",
            _ => "",
        };
        return format!("{values}<br>joined by `+`{none}");
    }
    if default.is::<bool>() {
        let is_true = default.get() == Ok(true);
        return format!("{}, {}", mark("false", !is_true), mark("true", is_true));
    }
    if default.is::<Option<String>>() {
        return "text, **empty**".to_owned();
    }
    number(pspec)
}

fn number(pspec: &glib::ParamSpec) -> String {
    macro_rules! range {
        ($type:ty) => {
            pspec.downcast_ref::<$type>().map(|pspec| {
                let (least, most) = (pspec.minimum().to_string(), pspec.maximum().to_string());
                (least, most, pspec.default_value().to_string())
            })
        };
    }
    let (least, most, default) = range!(glib::ParamSpecInt)
        .or_else(|| range!(glib::ParamSpecUInt))
        .or_else(|| range!(glib::ParamSpecInt64))
        .or_else(|| range!(glib::ParamSpecUInt64))
        .or_else(|| range!(glib::ParamSpecFloat))
        .or_else(|| range!(glib::ParamSpecDouble))
        .unwrap_or_else(|| panic!("{} is of a type unknown here", pspec.name()));
    match most == u32::MAX.to_string() || most == u64::MAX.to_string() {
        true => format!("{least} and up, **{default}**"),
        false => format!("{least} to {most}, **{default}**"),
    }
}

/// A value with what follows the colon in its `name`.
fn explained(value: String, name: &str) -> String {
    match name.split_once(": ") {
        Some((_, meaning)) => format!("{value}: {meaning}"),
        None => value,
    }
}

fn mark(nick: &str, is_default: bool) -> String {
    match is_default {
        true => format!("**`{nick}`**"),
        false => format!("`{nick}`"),
    }
}

/// When the property may be set, and whether a controller may do so.
fn remarks(pspec: &glib::ParamSpec) -> String {
    let has = |flag| pspec.flags().contains(flag);
    let mut remarks = String::new();
    if has(glib::ParamFlags::WRITABLE) && !has(gst::PARAM_FLAG_MUTABLE_PLAYING) {
        remarks += " *(set it before the element starts)*";
    }
    if has(gst::PARAM_FLAG_CONTROLLABLE) {
        remarks += " *(controllable)*";
    }
    remarks
}
