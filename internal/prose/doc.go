// Package prose has a test that keeps certain words out of the project's pages,
// comments and messages. The list is in words_test.go; each entry says what to
// write instead.
package prose
