// Package supplychain holds the workflows and the Dockerfile to the project's
// rules, and pins the tools that look after what releases depend on: see its
// go.mod, the scripts in build, and .ci/supply-chain.
package supplychain
