# Targets: build run test bench lint proto clean. Start with `make run`.
SHELL := /bin/bash
export GOFLAGS ?= -buildvcs=false

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
TOOLS   := bin/tools

.PHONY: build run test bench lint proto clean

build: ## the host into bin/meshos, its plugins into bin/plugins/
	@mkdir -p bin/plugins
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/meshos ./cmd/meshos
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/plugins/ ./plugins/...
