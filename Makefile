# `make demo` and `make test` do all the set-up themselves; `make help` lists the rest.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

CARGO ?= cargo

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup setup-runtime setup-training setup-gpu
setup: setup-runtime setup-training ## install what is missing and fetch all libraries into .deps/

setup-runtime: ## what the element needs: GStreamer, ONNX Runtime, the detector
	@setup/system.sh
	@setup/wheels.sh $$(setup/onnxruntime.sh)
	@setup/wheels.sh runtime

setup-gpu: ## fetch ONNX Runtime with CUDA and TensorRT into .deps/onnxruntime-gpu/
	@setup/system.sh
	@setup/wheels.sh gpu

setup-training: ## what the trainer needs: libtorch
	@setup/system.sh
	@setup/wheels.sh libtorch

.PHONY: build
build: setup-runtime ## plug-in and program, optimised: target/release/libgstmdecomplete.so, mdecomplete
	$(CARGO) build --release --package gst-plugin-mdecomplete --lib \
		--package mdecomplete-pipelines --bins

.PHONY: demo
demo: build ## complete a damaged clip of a portrait: demo/
	@pipelines/demo.sh

.PHONY: test lint unit-tests docs brief-fuzz
test: lint docs brief-fuzz unit-tests $(if $(CLUSTER),test-cluster) $(if $(ANALYTICS),test-analytics) ## everything that must hold: format, clippy, documentation, all tests; CLUSTER=1 ANALYTICS=1 for those below, too

# The feature `analytics` needs GStreamer 1.26. An older one will do to check its types, for nothing is
# linked.
lint: WITH_ANY_GSTREAMER = \
	SYSTEM_DEPS_GSTREAMER_1_0_NO_PKG_CONFIG=1 SYSTEM_DEPS_GSTREAMER_1_0_LIB=gstreamer-1.0 \
	SYSTEM_DEPS_GSTREAMER_ANALYTICS_1_0_NO_PKG_CONFIG=1 SYSTEM_DEPS_GSTREAMER_ANALYTICS_1_0_LIB=gstanalytics-1.0
lint: setup ## format, clippy, and what may come into the dependencies
	@setup/wheels.sh deny
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- --deny warnings
	$(WITH_ANY_GSTREAMER) $(CARGO) clippy --package gst-plugin-mdecomplete --lib --test element --profile test --features analytics --quiet -- --deny warnings
	@# It looks at the crates of all systems, of which a build fetches its own alone.
	$(CARGO) fetch --locked --quiet
	.deps/bin/cargo-deny --offline --log-level error check bans licenses sources

docs: setup ## the documentation of all crates: target/doc
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --quiet

# Plug-in and program are built with the tests that run them: their dependencies are built once.
unit-tests: setup ## all tests of all crates
	@setup/system.sh tests
	$(CARGO) build --workspace --lib --bins --tests
	MDE_BUILT=1 G_DEBUG=fatal-warnings $(CARGO) test --workspace

# Ray takes 600 MB in .deps/, and its tests minutes: they are run when they are asked for.
.PHONY: test-cluster
test-cluster: setup-runtime ## restoring on a cluster, with a real one of Ray on this machine
	@setup/cluster.sh
	$(CARGO) build --package gst-plugin-mdecomplete --lib --package mdecomplete-pipelines --bin mdecomplete
	cd pipelines/cluster && ../../.deps/cluster/bin/ruff format --check . && ../../.deps/cluster/bin/ruff check .
	cd pipelines/cluster && ../../.deps/cluster/bin/mypy
	cd pipelines/cluster && ../../.deps/cluster/bin/python -m pytest

# Debian 13 takes 3 GB in .deps/, unless the system has GStreamer 1.26 itself.
.PHONY: test-analytics
test-analytics: setup-runtime ## the feature `analytics`, with GStreamer 1.26: the system's or, with root, Debian 13's
	@tests/analytics.sh

# Long enough to find what a change breaks at once; `make fuzz` looks on. Model files are left to it:
# what it finds there is mostly ONNX Runtime's.
brief-fuzz: setup-runtime ## ten seconds of `make fuzz`, with the same inputs each time
	@FUZZ_SEED=1 FUZZ_PROFILE=brief fuzz/run.sh 10 frame mask_file regions

.PHONY: bench
bench: setup-runtime ## what the element costs, against its peers
	$(CARGO) bench --package gst-plugin-mdecomplete --no-fail-fast \
		$(addprefix --bench ,allocations element frame locate passthrough peer regions sessions soak steady)

.PHONY: bench-pipeline
bench-pipeline: setup-runtime ## what the element costs a whole pipeline at 1920x1080, and where the time goes
	$(CARGO) bench --package gst-plugin-mdecomplete --bench whole-pipeline

.PHONY: bench-cluster
bench-cluster: build ## what a second of film costs a processor, to know how many machines it takes
	@pipelines/cluster/measure.sh

# The figures of docs/restore.md have 1200 1920x1080 40: an hour or two, and some 20 GB in TMPDIR.
ARCHIVE ?= 60 1920x1080 8
.PHONY: archive-figures
archive-figures: build ## restoring a film of so many seconds and size, and so many clips: ARCHIVE='60 1920x1080 8'; and fifty kills
	@pipelines/restore-figures.sh $(ARCHIVE)
	MDE_KILLS=50 $(CARGO) test --package mdecomplete-tests --test restore killed

.PHONY: locate-accuracy
locate-accuracy: setup-runtime ## how well covered faces are found; needs MDE_DATA and MDE_ONET
	$(CARGO) bench --package gst-plugin-mdecomplete --bench locate-accuracy

.PHONY: covers
covers: setup-runtime ## occlusion=auto beside the mask of the true cover; needs MDE_DATA or MDE_CLIPS
	$(CARGO) bench --package gst-plugin-mdecomplete --bench covers

.PHONY: seams
seams: setup-runtime ## completions beside the frame around them, at 1920x1080; needs MDE_DATA
	$(CARGO) bench --package gst-plugin-mdecomplete --bench seams

.PHONY: channels
channels: setup-runtime ## how well damaged channels are found; needs MDE_DATA or MDE_CLIPS, takes MDE_SCENES
	$(CARGO) bench --package gst-plugin-mdecomplete --bench channels

.PHONY: dropouts
dropouts: setup-runtime ## how well drop-outs are found; needs MDE_DATA or MDE_CLIPS
	$(CARGO) bench --package gst-plugin-mdecomplete --bench dropouts

.PHONY: film
film: setup-runtime ## how well dirt and scratches of films are found and mended; needs MDE_DATA or MDE_CLIPS, takes MDE_FILM, MDE_CV, MDE_VS
	$(CARGO) bench --package gst-plugin-mdecomplete --bench film

.PHONY: scenes
scenes: setup-runtime ## how well lost channels are restored in whole frames; takes MDE_SCENES, MDE_DATA, MDE_CLIPS
	$(CARGO) bench --package gst-plugin-mdecomplete --bench scenes

.PHONY: flicker
flicker: setup-runtime ## how still completions are in moving video; needs MDE_DATA
	$(CARGO) bench --package gst-plugin-mdecomplete --bench flicker

.PHONY: own-face
own-face: setup-runtime ## how near completions come to the person's own face; needs MDE_DATA or MDE_CLIPS
	$(CARGO) bench --package gst-plugin-mdecomplete --bench own-face

FUZZ_SECONDS ?= 600
.PHONY: fuzz
fuzz: setup-runtime ## look for inputs that break the element, FUZZ_SECONDS=600 for each target
	@fuzz/run.sh $(FUZZ_SECONDS)

.PHONY: install uninstall
install: build ## put plug-in, program, ONNX Runtime and detector into this user's folders
	@setup/install.sh

uninstall: ## take away what `make install` put there
	@setup/install.sh --remove

.PHONY: properties
properties: ## write the table in docs/properties.md from the element
	UPDATE_PROPERTIES=1 $(CARGO) test --package gst-plugin-mdecomplete --test properties

.PHONY: fmt
fmt: ## format the sources
	$(CARGO) fmt --all

.PHONY: clean
clean: ## remove everything built (not .deps/, which `rm -r .deps` removes)
	rm -rf target demo
