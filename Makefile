# Everything from a fresh machine to a report. `make help` lists the targets.

# Where `make perf` runs (a profile of qemu.toml), and what (a preset or a file with a plan).
PROFILE ?= default
PLAN ?= quick
# Where the page for a browser goes.
PAGE ?= target/perf-report.html
# Taken by runner/scripts/set-up.sh: debian or rustup instead of the first that fits.
export TOOLCHAIN ?=
# The paths below are those that Cargo chooses by itself.
unexport CARGO_TARGET_DIR CARGO_BUILD_TARGET

# The compiler that set-up chose.
ENVIRONMENT := target/toolchain.env
CARGO := . ./$(ENVIRONMENT) && cargo
# The library source is built with the compiler's own features, which is what this switch is for.
KERNEL_CARGO := . ./$(ENVIRONMENT) && RUSTC_BOOTSTRAP=1 cargo

KERNEL := target/x86_64-multios/kernel/perf-kernel
FAULT_KERNEL := target/x86_64-multios/fault/perf-kernel
BUILDER := target/image-builder/debug/perf-image
FAULT_IMAGES := target/fault-image
IMAGES := target/image/multios-perf-bios.img target/image/multios-perf-uefi.img
RUNNER := target/release/multios-perf

.PHONY: help
help:
	@echo 'make perf        set up, build, run the quick plan in QEMU, print the results, write a page'
	@echo 'make test        set up, check format and lints, run all tests'
	@echo 'make perf-image  build the BIOS and UEFI images into target/image/'
	@echo 'make hosted      run the same suites as a Linux process'
	@echo 'make setup       install what is missing: compiler, QEMU, OVMF; setup-tests also a browser for tests'
	@echo 'make dashboard-test  look at the dashboard in a browser'
	@echo 'make perf-check  boot in exact mode and check against $(BASELINE); perf-baseline pins a new one'
	@echo 'make ab          the working tree against BASE=<revision> in one image, in QEMU (docs/ab.md)'
	@echo 'make ab-hosted   the same as a Linux process, which is where time is real'
	@echo 'make layout      does where code lies change a bench? in QEMU; layout-hosted as a process'
	@echo 'make doctor      list what is found and what is missing'
	@echo 'FILTER=memory/alloc restricts ab and layout to benches whose id begins so'
	@echo 'PROFILE=$(PROFILE) PLAN=$(PLAN) choose machine and plan; TOOLCHAIN=debian|rustup the compiler'

.PHONY: perf
perf: images $(RUNNER)
	$(RUNNER) run --profile $(PROFILE) --plan $(PLAN) --html $(PAGE)

.PHONY: perf-image
perf-image: images
	@ls -l $(IMAGES)

.PHONY: hosted
hosted: $(RUNNER) hosted-kernel
	$(RUNNER) hosted --plan $(PLAN) --html $(PAGE)

# Looks without installing; what is needed to build the program that looks at the rest comes first.
.PHONY: doctor
doctor:
	@runner/scripts/set-up.sh --check $(ENVIRONMENT)
	$(CARGO) build --release --package runner --bin multios-perf
	$(RUNNER) doctor

.PHONY: setup
setup:
	@runner/scripts/set-up.sh $(ENVIRONMENT)

.PHONY: setup-tests
setup-tests: setup
	@runner/scripts/set-up.sh --tests $(ENVIRONMENT)

# --- Exact mode against the baseline; docs/ci.md explains it ---

CHECK := target/perf-check
BASELINE := docs/baseline.json

.PHONY: perf-check
perf-check: exact-run
	$(RUNNER) check --db $(CHECK)/results.db --baseline $(BASELINE)

.PHONY: perf-baseline
perf-baseline: exact-run
	$(RUNNER) baseline pin exact --db $(CHECK)/results.db
	$(RUNNER) baseline export exact $(BASELINE) --db $(CHECK)/results.db

.PHONY: exact-run
exact-run: images $(RUNNER)
	rm -rf $(CHECK) && mkdir -p $(CHECK)
	$(RUNNER) run --profile icount --plan quick --db $(CHECK)/results.db --json $(CHECK)/run.json

# --- Two builds in one image, and one program at several layouts; docs/ab.md explains both ---

# A revision of git: `make ab BASE=main`.
BASE ?=
# Beginnings of bench ids, separated by spaces; empty for all.
FILTER ?=
FILTERS := $(addprefix --filter ,$(FILTER))
AB := target/ab
LAYOUT := target/layout

.PHONY: ab
ab: base-given $(BUILDER) $(RUNNER)
	. ./$(ENVIRONMENT) && $(RUNNER) ab build --base '$(BASE)'
	$(call images-of,$(AB))
	$(RUNNER) ab run --profile $(PROFILE) --plan $(PLAN) $(FILTERS)

.PHONY: ab-hosted
ab-hosted: base-given $(RUNNER)
	. ./$(ENVIRONMENT) && $(RUNNER) ab build --base '$(BASE)' --hosted
	$(RUNNER) ab hosted --plan $(PLAN) $(FILTERS)

.PHONY: base-given
base-given:
	@test -n '$(BASE)' || { echo 'say what to compare with: make ab BASE=<revision>' >&2; exit 2; }

.PHONY: layout
layout: $(BUILDER) $(RUNNER)
	. ./$(ENVIRONMENT) && $(RUNNER) layout build
	$(call images-of,$(LAYOUT))
	$(RUNNER) layout run --profile $(PROFILE) --plan $(PLAN) $(FILTERS)

.PHONY: layout-hosted
layout-hosted: $(RUNNER)
	. ./$(ENVIRONMENT) && $(RUNNER) layout build --hosted
	$(RUNNER) layout hosted --plan $(PLAN) $(FILTERS)

# An image for each layout of the kernel that the folder $(1) holds.
images-of = . ./$(ENVIRONMENT) && for kernel in $(1)/build/layouts/*/perf-kernel; do \
	layout=$$(basename $$(dirname $$kernel)) && \
	$(BUILDER) --kernel $$kernel --output $(1)/image/$$layout >/dev/null || exit; done

# --- Tests ---

# Kernel and image builder are linted as they are built, by calls of their own.
.PHONY: test
test: images fault-images hosted-kernel dashboard-modules
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --package perf-kernel --bin perf-hosted --features hosted -- -D warnings
	$(KERNEL_CARGO) kernel-clippy -- -D warnings
	$(KERNEL_CARGO) image-clippy -- -D warnings
	$(CARGO) test --workspace
	$(CARGO) test --package perf-kernel --features hosted

# What drives the browser, as the lock file has it. Pictures of every page go to target/dashboard-screenshots.
BROWSER_FILES := runner/tests/dashboard/package.json runner/tests/dashboard/package-lock.json
BROWSER := target/dashboard-browser
BROWSER_MODULES := $(BROWSER)/node_modules/.package-lock.json

.PHONY: dashboard-test
dashboard-test: dashboard-modules
	$(CARGO) test --package runner --test dashboard

.PHONY: dashboard-modules
dashboard-modules: $(BROWSER_MODULES)

$(BROWSER_MODULES): $(BROWSER_FILES) | setup-tests
	mkdir -p $(BROWSER)
	cp $(BROWSER_FILES) $(BROWSER)
	npm ci --prefix $(BROWSER) --ignore-scripts --no-audit --no-fund
	touch $@

# --- Builds; Cargo knows what is up to date ---

.PHONY: images
images: $(IMAGES)

# Both come from one call; the first stands for it.
$(word 2,$(IMAGES)): $(word 1,$(IMAGES))
$(word 1,$(IMAGES)): $(KERNEL) $(BUILDER)
	. ./$(ENVIRONMENT) && $(BUILDER) --kernel $(KERNEL) --output $(@D)

.PHONY: fault-images
fault-images: $(FAULT_IMAGES)/multios-perf-bios.img

$(FAULT_IMAGES)/multios-perf-bios.img: $(FAULT_KERNEL) $(BUILDER)
	. ./$(ENVIRONMENT) && $(BUILDER) --kernel $(FAULT_KERNEL) --output $(@D)

$(FAULT_KERNEL): always setup
	$(KERNEL_CARGO) fault-kernel

$(KERNEL): always setup
	$(KERNEL_CARGO) kernel

$(BUILDER): always setup
	$(KERNEL_CARGO) image-builder

$(RUNNER): always setup
	$(CARGO) build --release --package runner --bin multios-perf

.PHONY: hosted-kernel
hosted-kernel: setup
	$(CARGO) build --profile hosted --package perf-kernel --bin perf-hosted --features hosted

.PHONY: always
always:
