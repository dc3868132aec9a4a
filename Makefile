# Tools are pinned in tools/go.mod, so that what is needed to work on the
# project stays out of the go.mod that its users see.
GOLANGCI := go tool -modfile=$(CURDIR)/tools/go.mod golangci-lint

# Separate modules, to keep their dependencies out of the root module.
MODULES := exo/exotel bench/peers

# How long each fuzz target runs, and which benchmarks do.
FUZZTIME ?= 10s
BENCH    ?= .

.DEFAULT_GOAL := all
.PHONY: all help lint test bench fuzz fmt docs tidy cover ci

all: lint test ## Lint and test: the default

help: ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 8

lint: ## Check the code by the rules of .golangci.yml
	$(GOLANGCI) run ./...
	@for module in $(MODULES); do echo "$$module"; (cd $$module && LOG_LEVEL=error $(GOLANGCI) run ./...) || exit 1; done

test: ## Run the tests, in random order and with the race detector
	go test -race -shuffle=on ./...

bench: ## Run the benchmarks that match BENCH (all)
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## Run each fuzz target for FUZZTIME (10s)
	@git grep -oE '^func Fuzz\w+' -- '*_test.go' | sed -E 's|^([^:]*)/[^/]*:func (.*)|\1 \2|' | \
	while read -r dir target; do \
		echo "$$dir $$target"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$dir" || exit 1; \
	done

fmt: ## Format the code
	$(GOLANGCI) fmt ./...

docs: ## Copy the compiled samples into README.md and docs
	go run ./internal/weave

tidy: ## Bring every go.mod up to date
	@git ls-files '*go.mod' | while read -r mod; do (cd "$$(dirname "$$mod")" && go mod tidy) || exit 1; done

cover: ## Measure the tests' coverage, across packages, into cover.html
	go test -coverpkg=./exo/...,./exotest/...,./internal/... -coverprofile=cover.out ./...
	go tool cover -html=cover.out -o cover.html
	go tool cover -func=cover.out | tail -1

ci: ## Run all that the checks of a change run
	.ci/run

include build/release.mk
