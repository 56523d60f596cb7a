//! Tells the plug-in its version and where the workspace keeps its dependencies.

use std::path::Path;

fn main() {
    gst_plugin_version_helper::info();

    // Where `make setup` puts ONNX Runtime and the detector model, so that a plug-in built from
    // the source tree finds them with nothing else set.
    let manifest = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let workspace = Path::new(&manifest)
        .parent()
        .expect("the crate lies in a workspace");
    let dependencies = workspace.join(".deps");
    println!(
        "cargo:rustc-env=MDECOMPLETE_DEPS_DIR={}",
        dependencies.display()
    );
}
