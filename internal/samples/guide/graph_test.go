package guide_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/store"
	"github.com/exospherehost/exo-go/exotest"
)

// sample:graph
func billing() (*exo.Graph, *exo.Step[Invoice]) {
	g := exo.NewGraph("billing")
	orders := exo.Add(g, "orders", Orders, Month{Month: "2026-03"})
	invoice := exo.Add(g, "bill", Bill, Order{
		ID:  orders.Out.ID,
		Net: orders.Out.Net,
		Tax: orders.Out.Tax,
	}, exo.After(orders))
	return g, invoice
}

// end sample

// sample:graph test
func TestBilling(t *testing.T) {
	g, invoice := billing()
	result := exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{
		Inputs: map[string]string{"month": "2026-04"},
	})
	exotest.WantOutputs(t, result, invoice,
		Invoice{Number: "R-2026-04-1", Total: exo.Of(1190)},
		Invoice{Number: "R-2026-04-2", Total: exo.Of(214)},
	)
}

// end sample

// sample:join

// Books is what the join reads: a list of every invoice's number.
type Books struct {
	Month   string            `json:"month"`
	Numbers exo.Val[[]string] `json:"numbers"`
}

// Entry is what it writes.
type Entry struct {
	Text string `json:"text"`
}

var (
	Open = exo.Node("Open", func(_ context.Context, in Month, _ exo.None) (Month, error) { return in, nil })

	Close = exo.Node("Close", func(_ context.Context, in Books, _ exo.None) (Entry, error) {
		return Entry{Text: in.Month + ": " + strings.Join(in.Numbers.V, ", ")}, nil
	})
)

func bookkeeping() (*exo.Graph, *exo.Step[Entry]) {
	g := exo.NewGraph("bookkeeping")
	open := exo.Add(g, "open", Open, Month{Month: "2026-03"})
	orders := exo.Add(g, "orders", Orders, Month{Month: open.Out.Month}, exo.After(open))
	invoice := exo.Add(g, "bill", Bill, orders.Out, exo.After(orders))
	entry := exo.Add(g, "close", Close, Books{
		Month:   open.Out.Month,
		Numbers: exo.CollectStrings(invoice.Out.Number),
	}, exo.After(invoice), exo.Unites(open, exo.AllSuccess))
	return g, entry
}

// end sample

func Example_bookkeeping() {
	g, _ := bookkeeping()
	fmt.Print(g.Mermaid())
	// Output:
	// flowchart TD
	//     n0["open<br/>Open"]
	//     n1["orders<br/>Orders"]
	//     n2["bill<br/>Bill"]
	//     n3{{"close<br/>Close"}}
	//     n0 --> n1
	//     n1 --> n2
	//     n2 --> n3
	//     n0 -.->|"unites ALL_SUCCESS"| n3
}

func TestBookkeeping(t *testing.T) {
	g, entry := bookkeeping()
	result := exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, entry, Entry{"2026-03: R-2026-03-1, R-2026-03-2"})
	exotest.WantPath(t, result, "open", "orders", "bill", "close")
}

// sample:after
func twoBranches() *exo.Graph {
	g := exo.NewGraph("two-branches")
	open := exo.Add(g, "open", Open, Month{Month: "2026-03"})
	orders := exo.Add(g, "orders", Orders, Month{Month: open.Out.Month}, exo.After(open))
	exo.Add(g, "bill", Bill, orders.Out, exo.After(orders))
	exo.Add(g, "archive", Archive, Month{Month: "archive of " + open.Out.Month}, exo.After(open))
	return g
}

// end sample

var Archive = exo.Node("Archive", func(_ context.Context, in Month, _ exo.None) (Month, error) { return in, nil })

func Example_twoBranches() {
	fmt.Print(twoBranches().Mermaid())
	// Output:
	// flowchart TD
	//     n0["open<br/>Open"]
	//     n1["orders<br/>Orders"]
	//     n2["bill<br/>Bill"]
	//     n3["archive<br/>Archive"]
	//     n0 --> n1
	//     n0 --> n3
	//     n1 --> n2
}

func TestTwoBranches(t *testing.T) {
	result := exotest.NewStateManager(t).Drive(t, twoBranches(), exo.TriggerOptions{})
	exotest.WantSuccess(t, result)
	exotest.WantAttempts(t, result, "bill", 1, 1)
	exotest.WantAttempts(t, result, "archive", 1)
	if got := string(result.Step("archive")[0].Inputs); got != `{"month":"archive of 2026-03"}` {
		t.Errorf("inputs %s", got)
	}
}

// sample:store

// Settings are the keys of the store that the graph reads.
type Settings struct {
	Month string       `json:"month"`
	Tax   exo.Val[int] `json:"tax" jsonschema:"default=19"`
}

var billed = store.NewKey[int]("billed")

var Count = exo.Node("Count", func(ctx context.Context, in Invoice, _ exo.None) (Invoice, error) {
	_, err := billed.Update(ctx, func(n int, _ bool) (int, error) { return n + 1, nil })
	return in, err
})

func counted() *exo.Graph {
	g := exo.NewGraph("counted")
	settings := exo.DeclareStore[Settings](g)
	orders := exo.Add(g, "orders", Orders, Month{Month: settings.Month})
	invoice := exo.Add(g, "bill", Bill, Order{
		ID:  orders.Out.ID,
		Net: orders.Out.Net,
		Tax: settings.Tax,
	}, exo.After(orders))
	exo.Add(g, "count", Count, invoice.Out, exo.After(invoice))
	return g
}

// end sample

// sample:store test
func TestCounted(t *testing.T) {
	sm := exotest.NewStateManager(t)
	result := sm.Drive(t, counted(), exo.TriggerOptions{Store: map[string]string{"month": "2026-05"}})
	exotest.WantSuccess(t, result)
	sm.WantStore(t, result, map[string]string{"month": "2026-05", "tax": "19", "billed": "2"})
}

// end sample

// sample:secrets
func mailing() *exo.Graph {
	g, invoice := billing()
	exo.Add(g, "send", Send, invoice.Out, exo.After(invoice))
	return g.Secrets(exo.Fields(Mailbox{User: "books", Password: "s3cret"}))
}

// end sample

func TestMailing(t *testing.T) {
	result := exotest.NewStateManager(t).Drive(t, mailing(), exo.TriggerOptions{})
	exotest.WantSuccess(t, result)
	exotest.WantAttempts(t, result, "send", 1, 1)
}

// sample:remote
var Rates = exo.Remote[Month, Order]("python-team", "ExchangeRates")

// end sample

func TestRemote(t *testing.T) {
	g := exo.NewGraph("rates")
	rates := exo.Add(g, "rates", Rates, Month{Month: "2026-03"})
	bill := exo.Add(g, "bill", Bill, rates.Out, exo.After(rates))
	sm := exotest.NewStateManager(t)
	exotest.RemoteStub(sm, Rates, func(_ context.Context, in Month) (Order, error) {
		return Order{ID: in.Month, Net: exo.Of(100), Tax: exo.Of(0)}, nil
	})
	exotest.WantOutputs(t, sm.Drive(t, g, exo.TriggerOptions{}), bill, Invoice{"R-2026-03", exo.Of(100)})
}

// A mistake in a graph is told where it is.
func Example_validate() {
	g := exo.NewGraph("mistaken")
	orders := exo.Add(g, "orders", Orders, Month{Month: "2026-03"})
	exo.Add(g, "send", Send, Invoice{Number: orders.Out.ID, Total: orders.Out.Net}, exo.After(orders))
	fmt.Println(g.Validate())
	// Output:
	// graph "mistaken" is invalid:
	// 	Secret mail_user is required but not present in the graph template
	// 	Secret mail_password is required but not present in the graph template
}
