# What a release is made of and checked by. The Makefile includes this file.
#
# cyclonedx-gomod, go-licence-detector, govulncheck, actionlint and apidiff are
# pinned in tools/supplychain/go.mod.

RELEASE := bin/release

# How many random cases each property is checked with.
CHECKS ?= 10000

.PHONY: dist sbom licences vuln reproducible api image supplychain properties

dist: ## Make the files of a release in bin/release
	build/dist $(RELEASE)

sbom: ## Write an SBOM of the command (CycloneDX, JSON and XML) to bin
	build/compile bin/exo
	build/sbom bin/exo

licences: ## List the licences of all dependencies; fail if one is not allowed
	@build/licences

vuln: ## Look for known vulnerabilities; status 75: the database is out of reach
	@build/vuln

reproducible: ## Build the last commit twice and compare the bytes
	build/reproducible

api: ## Compare the exported API with the last release
	build/api

image: ## Build the container image exo
	docker build --tag exo .

supplychain: ## Check what releases depend on: licences, SBOM, bytes, API, workflows
	.ci/supply-chain

properties: ## Check every property with CHECKS random cases (10000)
	go test -count 1 -timeout 3h $$(go list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... | \
		awk '/ pgregory.net\/rapid( |$$)/ { print $$1 }') -args -rapid.checks=$(CHECKS)
