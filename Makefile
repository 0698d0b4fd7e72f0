# meshos. `make run` starts a node on meshos.toml, `make test` proves it works.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The version is stamped by us, so a tree without git history builds as well.
# With -trimpath everywhere, what was compiled for one target serves all others.
export GOFLAGS ?= -buildvcs=false -trimpath
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# The race detector needs a C compiler; without one the tests run without it.
RACE  := $(if $(shell command -v gcc || command -v cc || command -v clang),-race)
# It watches what packages share. The arithmetic of the standard library's cryptography shares
# nothing, and takes many times as long when it is watched.
ARITHMETIC := edwards25519/... nistec/... bigmod mlkem
RACEFLAGS  := $(if $(RACE),$(RACE) $(foreach p,$(ARITHMETIC),-gcflags=crypto/internal/fips140/$(p)=-race=false))
TOOLS := bin/tools
PACKAGES ?= $(shell echo $$(( 2 * $$(nproc 2>/dev/null || echo 1) )))
SECONDS ?= 10
SEED ?= 0
LEAVES ?= 200
CHAINS ?= 1000
GEN   := $(shell find proto -name '*.proto' 2>/dev/null)

ROUNDS ?= 3
ROW ?=

SEEDS ?= 2000

.PHONY: help build run run-mesh test thorough bench bench-mesh bench-chains compare torture soak soak-mesh soak-chains mesh-leaves sim sim-seeds fping lint proto contract contract-baseline conformance tools clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 19

build: ## the host as bin/meshos and bin/meshos-shim, its plugins as bin/plugins/*, the examples
	@mkdir -p bin/plugins bin/examples
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/meshos ./cmd/meshos
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/meshos-shim ./cmd/meshos-shim
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/plugins/ ./plugins/...
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/examples/ ./examples/plugins/...

run: build ## build, then start a node on meshos.toml (Ctrl-C ends it and its daemons)
	exec bin/meshos run --stop-daemons

run-mesh: build ## build, then a mesh of three nodes with three chains and a writer on this machine to look at (Ctrl-C ends it and removes what it wrote)
	go build -o bin/run-mesh ./internal/meshlab/run
	exec bin/run-mesh

# Without the tables of debuggers a test binary is linked in two thirds of the time. The race
# detector waits at the end of each process for what other threads may still report: a second
# for each of them adds up, since many tests start processes. Those tests wait for processes and
# deadlines more than they compute, so more packages run at a time than there are processors, those
# that take longest first. What several packages run is built once. Everybody may execute it, since
# some tests run a node as another user.
test: build ## all tests, with the race detector where there is a C compiler
	@built=$$(mktemp -d); trap 'rm -rf "$$built"' EXIT; \
	  cp -r bin/meshos bin/meshos-shim bin/plugins bin/examples "$$built"; \
	  go build -ldflags '-s -w' -o "$$built/liars/" ./e2e/mesh/liar; \
	  chmod -R a+rX "$$built"; \
	  export MESHOS_E2E_BIN="$$built" MESHOS_BIN="$$built" GORACE="atexit_sleep_ms=50 $${GORACE:-}"; \
	  go test $(RACEFLAGS) -ldflags=-w -count=1 -timeout 20m -p $(PACKAGES) $(TESTFLAGS) ./e2e/... ./plugins/mesh-nats ./...

bench: ## benchmarks with fixed names and sizes
	go test -run '^$$' -bench . -benchmem ./...

compare: build ## meshos beside fping, runit, blackbox_exporter, node_exporter … in alternating runs, as ratios (ROUNDS=3 ROW=NAME)
	go run ./bench/compare -rounds $(ROUNDS) -row '$(ROW)'

bench-mesh: build ## a mesh of five seeds and a leaf on this machine: orders, faults, what it costs (as root)
	go run ./bench/mesh

bench-chains: build ## the drain of a node with 20 chains under writers, beside SERVER.EVACUATE and by hand, in turn (ROUNDS=3; as root)
	go run ./bench/mesh -chains 20 -rounds $(ROUNDS)

torture: build ## real nodes beside plugins that attack them: what each attack does (SECONDS=10)
	go run ./internal/torture -for $(SECONDS)s

fping: ## loss and times of locality-icmp beside those of fping, over many peers and faults (as root)
	go test ./plugins/locality-icmp -run '^TestAgainstFping$$' -count=1 -v -thorough

# Each property has a hundred cases here, each snapshot of a recorded loop is compared, and nodes
# are killed two hundred times.
thorough: ## the tests that make test cuts short, at full length
	MESHOS_THOROUGH=1 go test $(RACEFLAGS) -ldflags=-w -count=1 -timeout 1h ./host/api ./host/cluster ./host/journal ./host/ordered
	go test ./e2e -count=1 -timeout 1h -run '^TestP2_' -kills=200

soak: build ## 50 daemons under random kills, full disks, floods and reloads (SECONDS=10 SEED=0)
	go run ./internal/soak -for $(SECONDS)s -seed $(SEED)

soak-mesh: SECONDS = 600
soak-mesh: ## a mesh of five real nodes through the faults of e2e/mesh in random order (SECONDS=600 SEED=0; as root)
	go test ./e2e/mesh -count=1 -v -timeout 24h -run ThroughFaults -mesh.for=$(SECONDS)s -mesh.seed=$(SEED)

soak-chains: SECONDS = 1200
soak-chains: ## chains on five real nodes through moves, drains and faults in random order, checked message by message (SECONDS=1200 SEED=0 CHAINS=1000; as root)
	go test ./e2e/mesh -count=1 -v -timeout 24h -run ChainsThroughFaults -mesh.for=$(SECONDS)s -mesh.seed=$(SEED) -mesh.chains=$(CHAINS)

mesh-leaves: ## a seed restarts under many leaves, in one process: when all are back (LEAVES=200)
	go test ./plugins/mesh-nats -count=1 -v -run '^TestManyLeaves' -mesh.leaves=$(LEAVES)

sim-seeds: ## stories of a mesh of 20 nodes, drawn from SEEDS=2000 seeds, in one process
	go test ./internal/sim -count=1 -timeout 20m -run '^TestDrawnStories$$' -sim.seeds=$(SEEDS)

sim: ## a mesh of 1,000 nodes and 200,000 chains in one process: memory and time
	go test ./internal/sim -count=1 -timeout 60m -v -run '^TestAMeshOfManyNodes$$' -sim.large

lint: tools ## formatting, go vet, staticcheck, the contract's rules
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | grep -v '\.pb\.go$$' | xargs -r $(TOOLS)/gofumpt -l); \
	  if [ -n "$$unformatted" ]; then echo "not formatted (run $(TOOLS)/gofumpt -w on them):"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(TOOLS)/staticcheck ./...
	$(TOOLS)/buf lint

proto: tools ## generate proto/**/*.pb.go from the contract again
	$(TOOLS)/buf generate

contract: tools ## check that nothing is gone or changed that third parties build on
	@$(TOOLS)/buf breaking --against proto/landed.binpb && go run ./internal/apidiff || \
	  { echo 'Third parties build on this: docs/releasing.md says what to do.' >&2; exit 1; }

contract-baseline: tools $(if $(BREAKING),,contract) ## take what is there now as the contract (BREAKING=1: even so)
	$(TOOLS)/buf build --exclude-source-info -o proto/landed.binpb
	go run ./internal/apidiff -write

conformance: ## write docs/conformance.md again, from the names of the tests
	go run ./internal/conformance

# The tools have a module of their own, so that the project's list of
# dependencies stays short; protoc-gen-go comes with the protobuf module that the
# generated code is linked against.
tools: $(TOOLS)/.built
$(TOOLS)/.built: tools/go.mod tools/go.sum go.mod
	@mkdir -p $(TOOLS)
	cd tools && go build -o ../$(TOOLS)/ $$(go list tool)
	go build -o $(TOOLS)/ google.golang.org/protobuf/cmd/protoc-gen-go
	@touch $@

clean: ## remove what was built and what a node left in var/ and run/
	rm -rf bin var run
