// Package samples stands above the code that README.md and the pages of docs
// show: a folder for each page, of tests that are compiled and run like all
// others. internal/weave copies them into the pages.
package samples
