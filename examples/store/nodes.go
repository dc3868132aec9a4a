package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/store"
)

type (
	// Start is the store as a run finds it: what the trigger gives, else the
	// default.
	Start struct {
		Cursor exo.Val[int] `json:"cursor" jsonschema:"default=0,description=The page to begin with"`
	}
	// Plan says how many readers there shall be.
	Plan struct {
		Readers exo.Val[int] `json:"readers" jsonschema:"default=1"`
	}
	// Reader is one of them.
	Reader struct {
		Name string `json:"name"`
	}
	// Sum is what they have found.
	Sum struct {
		Pages exo.Val[int] `json:"pages"`
		Words exo.Val[int] `json:"words"`
	}
)

// The keys of the store, with the types of their values.
var (
	cursor = store.NewKey[int]("cursor") // the next page
	words  = store.NewKey[int]("words")  // on a page; one item for each page
)

// catalogue is what is read: page n says "page" n+1 times.
var catalogue = func() []string {
	pages := make([]string, 20)
	for i := range pages {
		pages[i] = strings.Repeat("page ", i+1)
	}
	return pages
}()

var (
	makePlan = exo.Node("MakePlan", func(_ context.Context, in Plan, _ exo.None) (Plan, error) {
		if in.Readers.V < 1 {
			return Plan{}, exo.Permanent(fmt.Errorf("%d readers: there must be one at least", in.Readers.V))
		}
		return in, nil
	})

	sendReaders = exo.FanOut("SendReaders", func(_ context.Context, in Plan, _ exo.None) ([]Reader, error) {
		readers := make([]Reader, in.Readers.V)
		for i := range readers {
			readers[i].Name = fmt.Sprint("reader ", i+1)
		}
		return readers, nil
	})

	readPages = exo.Node("ReadPages", func(ctx context.Context, _ Reader, _ exo.None) (exo.None, error) {
		for {
			page, err := nextPage(ctx)
			if errors.Is(err, errNoMore) {
				return exo.None{}, nil
			}
			if err != nil {
				return exo.None{}, err
			}
			// An item of its own for each page: readers do not write over each
			// other, and to write it twice does no harm.
			if err := words.At(strconv.Itoa(page)).Set(ctx, len(strings.Fields(catalogue[page]))); err != nil {
				return exo.None{}, err
			}
		}
	})

	sumUp = exo.Node("SumUp", func(ctx context.Context, _, _ exo.None) (Sum, error) {
		found, err := words.All(ctx)
		if err != nil {
			return Sum{}, err
		}
		sum := 0
		for _, n := range found {
			sum += n
		}
		return Sum{Pages: exo.Of(len(found)), Words: exo.Of(sum)}, nil
	})
)

var errNoMore = errors.New("all pages are taken")

// nextPage takes the next page. Update is atomic: where two readers come at the
// same time, the function of one of them is called again, with the cursor that
// the other has left.
//
// A reader that dies after this has taken a page that is never read. Where that
// matters, keep who took which page, as items of another key, and give the page
// back.
func nextPage(ctx context.Context) (int, error) {
	next, err := cursor.Update(ctx, func(page int, _ bool) (int, error) {
		if page < 0 || page >= len(catalogue) {
			return 0, errNoMore
		}
		return page + 1, nil
	})
	return next - 1, err
}
