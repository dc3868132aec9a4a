// Package samples holds the code shown in README.md and the pages of docs, in
// one folder per page. The samples are tests, compiled and run like all others.
// internal/weave copies them into the pages.
package samples
