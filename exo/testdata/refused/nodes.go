// Package main has the nodes of the graphs of this folder, each of which is a
// program with them. All but fits.go are refused by the compiler.
package main

import (
	"context"

	"github.com/exospherehost/exo-go/exo"
)

type Line struct {
	Text string `json:"text"`
}

type Word struct {
	Word  string            `json:"word"`
	Count exo.Val[int]      `json:"count"`
	Tags  exo.Val[[]string] `json:"tags"`
}

type Sum struct {
	Counts exo.Val[[]int] `json:"counts"`
}

type Ints struct {
	Ints exo.Val[[]int] `json:"ints"`
}

var (
	split = exo.FanOut("Split", func(context.Context, Line, exo.None) ([]Word, error) { return nil, nil })
	sum   = exo.Node("Sum", func(context.Context, Sum, exo.None) (exo.None, error) { return exo.None{}, nil })
	ints  = exo.Node("Ints", func(context.Context, Ints, exo.None) (exo.None, error) { return exo.None{}, nil })
)
