# Everything a person runs. `make help` lists it.
# Needs Go and Node; each target sets up whatever else it needs.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
GO ?= go
BIN := bin/eventseal
LINT := build/lint
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Vectors of others run too where the folder is there.
external := $(wildcard ../shared/external)
ifneq ($(external),)
export EVENTSEAL_EXTERNAL_VECTORS ?= $(abspath $(external))
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/eventseal
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./host/cmd/eventseal

.PHONY: run
run: build ## build, then serve the embedded default on 127.0.0.1:8420 with data in ./data
	exec $(BIN) serve

.PHONY: node-deps
node-deps: testvectors/node/node_modules/.package-lock.json
testvectors/node/node_modules/.package-lock.json: testvectors/node/package.json testvectors/node/package-lock.json
	cd testvectors/node && npm ci --no-audit --no-fund
	@touch $@

.PHONY: test
test: node-deps servers ## set up and run every test
	$(GO) test -timeout 30m ./...

.PHONY: test-short
test-short: node-deps ## the tests without the long ones and without servers
	$(GO) test -short ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME each (default 20s)
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-20s} $$p; \
	  done; done

.PHONY: wasm
wasm: ## rebuild wasm/eventseal.wasm with the pinned toolchain
	wasm/toolchain/build.sh

.PHONY: wasm-check
wasm-check: ## prove that the committed module is the source's, byte for byte
	wasm/toolchain/check.sh

.PHONY: vectors
vectors: node-deps ## regenerate testvectors/ from the independent implementations
	testvectors/generate.sh

$(LINT)/.built: tools/go.mod tools/go.sum
	mkdir -p $(LINT)
	cd tools && GOBIN=$(abspath $(LINT)) $(GO) install tool
	@touch $@

.PHONY: check
check: $(LINT)/.built ## lint, import directions, generated files; fails on a dirty tree
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) mod verify
	$(GO) vet ./...
	$(LINT)/staticcheck ./...
	$(GO) test ./host -run 'Imports|Lean' -count=1
	@# The vulnerability database is on the network; where it cannot be asked the check says so.
	@if curl -fsS -m 10 -o /dev/null https://vuln.go.dev/index/modules.json.gz 2>/dev/null; then $(LINT)/govulncheck ./...; else echo "govulncheck: not run, vuln.go.dev cannot be reached"; fi
	$(GO) generate ./...
	$(GO) mod tidy -diff
	@dirty=$$(git status --porcelain); [ -z "$$dirty" ] || { echo "the tree is dirty:"; echo "$$dirty"; git diff | head -50; exit 1; }

.PHONY: bench
bench: build ## print the table of ratios against named peers, measured in this run
	cd bench/node && npm ci --no-audit --no-fund --silent
	$(GO) run ./bench

.PHONY: servers
servers: ## install or build the real servers that tests and `make stack` use
	servers/install.sh

.PHONY: stack
stack: build servers ## start Redis, Kubo, an S3 gateway and the host on loopback
	servers/stack.sh up

.PHONY: stack-down
stack-down: ## end what `make stack` started, by its own process ids
	servers/stack.sh down

.PHONY: soak
soak: servers ## mixed load under random faults, SOAK=3m by default
	$(GO) test -count=1 -timeout 2h -run TestSoak -v ./host/faults -soak $${SOAK:-3m}

.PHONY: clean
clean: ## remove what was built (never ./data)
	rm -rf bin build
