# Everything a person runs. `make help` lists it.
# Needs Go; each target sets up whatever else it needs.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
GO ?= go
LINT := build/lint

# Vectors of others run too where the folder is there.
external := $(wildcard ../shared/external)
ifneq ($(external),)
export EVENTSEAL_EXTERNAL_VECTORS ?= $(abspath $(external))
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What the binary says it is; tags, or the commit alone.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: build
build: ## build bin/eventseal
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.stamp=$(VERSION)" -o bin/eventseal ./host/cmd/eventseal

.PHONY: testchain
testchain: ## build bin/testchain, the chain of the tests and the stack
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/testchain ./servers/chain/testchain

.PHONY: run
run: build ## build and serve on 127.0.0.1:8420, data in ./data
	@exec bin/eventseal serve

.PHONY: stack
stack: build testchain servers ## start host, Redis, S3, IPFS and a test chain on loopback and say how to use them
	@$(GO) run ./servers/stack up

.PHONY: stack-down
stack-down: ## end what make stack started; the data stays in build/stack
	@$(GO) run ./servers/stack down

.PHONY: test
test: build servers chromium web/node_modules/.built sdk-js/node_modules/.built ## set up what the tests need, then run every test
	@# What is set up may not skip; what nobody can set up is said to be left out.
	@require=$${EVENTSEAL_REQUIRE:-servers,browser}; \
	case $$require in all|*namespaces*) ;; *) \
	  if unshare -Urm true 2>/dev/null; then require+=,namespaces; \
	  else echo "left out: tests on small disks of their own, as there are no user namespaces here"; fi;; esac; \
	[ -n "$${EVENTSEAL_EXTERNAL_VECTORS:-}" ] || echo "left out: vectors of others, as EVENTSEAL_EXTERNAL_VECTORS names no folder"; \
	export EVENTSEAL_REQUIRE=$$require; \
	$(GO) test -timeout 30m ./...; \
	$(MAKE) --no-print-directory sdk-test; \
	$(MAKE) --no-print-directory web-test

.PHONY: chromium
chromium: ## see that there is a browser for the tests
	@tools/chromium.sh

%/node_modules/.built: %/package.json %/package-lock.json
	@npm --version >/dev/null 2>&1 && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' || \
	  { echo "$*: install Node 20.19 or newer first, with npm" >&2; exit 1; }
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: web
web: web/node_modules/.built ## build the page into web/dist, which is committed
	cd web && npm run --silent build

.PHONY: web-check
web-check: web/node_modules/.built ## fail when web/dist is not its sources'
	web/check.sh

.PHONY: web-test
web-test: build testchain chromium web-check sdk-js/node_modules/.built ## test the page in Chromium against bin/eventseal
	cd web && npm test

.PHONY: screenshots
screenshots: build testchain chromium web/node_modules/.built sdk-js/node_modules/.built ## take the README's pictures of the page
	cd web && node screenshots.mjs

.PHONY: sdk
sdk: sdk-js/node_modules/.built ## build the JavaScript SDK into sdk-js/dist
	cd sdk-js && npm run --silent build

.PHONY: sdk-test
sdk-test: build testchain chromium sdk ## test the SDK in Node, in Chromium and against bin/eventseal
	cd sdk-js && npm test

.PHONY: sdk-bench
sdk-bench: chromium sdk ## time the SDK and its peers in Node and Chromium
	cd sdk-js && npm run --silent bench

.PHONY: sdk-docs
sdk-docs: sdk ## write the SDK's reference to sdk-js/docs
	cd sdk-js && npm run --silent docs

.PHONY: fault-matrix
fault-matrix: servers ## let every place fail in every way and write docs/fault-matrix.md
	EVENTSEAL_REQUIRE=servers $(GO) test ./host/faults -run Matrix -v -count=1 -update

.PHONY: soak
soak: build servers ## play MODEL_STEPS (default 1000000) of the model, then store and read for SOAK (default 3m) on the full stack while faults come and go
	MODEL_STEPS=$${MODEL_STEPS:-1000000} $(GO) test ./host/model -v -count=1 -timeout 0
	EVENTSEAL_REQUIRE=servers SOAK=$${SOAK:-3m} $(GO) test ./host/faults -run Soak -v -count=1 -timeout 0

.PHONY: toolchain
toolchain: ## build the pinned TinyGo into build/toolchain (Debian's LLVM 19)
	wasm/toolchain/install.sh

.PHONY: servers
servers: ## put the real servers (Redis, Kubo, an S3 gateway, a witness) into build/servers
	@GO=$(GO) servers/install.sh

.PHONY: wasm
wasm: ## compile wasm/eventseal.wasm with the pinned toolchain
	wasm/toolchain/build.sh wasm/eventseal.wasm
	cd wasm && sha256sum eventseal.wasm >eventseal.wasm.sha256
	$(GO) test ./host/module -run TestExports -count=1 -update

.PHONY: wasm-check
wasm-check: ## fail when wasm/eventseal.wasm is not its source's
	wasm/toolchain/check.sh

.PHONY: contract
contract: ## compile host/anchor/contract/anchor.wasm with the pinned toolchain
	host/anchor/contract/build.sh host/anchor/contract/anchor.wasm
	cd host/anchor/contract && sha256sum anchor.wasm >anchor.wasm.sha256

.PHONY: contract-check
contract-check: ## fail when anchor.wasm is not its source's
	host/anchor/contract/check.sh

.PHONY: vectors
vectors: ## make every test vector anew (a minute; Node and Go)
	testvectors/generate.sh

.PHONY: vectors-check
vectors-check: vectors ## fail when the committed vectors are not what their generators make
	@dirty=$$(git status --porcelain testvectors); [ -z "$$dirty" ] || { echo "testvectors: not what generate.sh makes"; echo "$$dirty"; git diff --stat testvectors; exit 1; }

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME each (default 20s)
	@packages=$$($(GO) list ./...); for p in $$packages; do \
	  listed=$$($(GO) test -list '^Fuzz' $$p); \
	  for f in $$(sed -n '/^Fuzz/p' <<<"$$listed"); do \
	    echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-20s} $$p; \
	  done; done

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
	@dirty=$$(git status --porcelain); [ -z "$$dirty" ] || { echo "the tree is dirty:"; echo "$$dirty"; git --no-pager diff; exit 1; }

.PHONY: bench
bench: servers ## one table: the module, its peers and the host, with ratios of the same run
	$(GO) run ./bench

.PHONY: million
million: ## move a million events in and out of a host (BULK=n for another number)
	$(GO) run ./bench -sections bulk -bulk $${BULK:-1000000}

.PHONY: clean
clean: ## remove what was built
	rm -rf build bin
