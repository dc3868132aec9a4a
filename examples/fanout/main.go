// Command fanout prices an order: it splits the order into its items, prices
// all of them in parallel, and joins the prices in a bill. It is map and reduce.
//
//	go run ./examples/fanout [ITEM…]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fanout:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, items []string, stdout io.Writer) error {
	if len(items) == 0 {
		items = []string{"tea", "bread", "plums", "tea"}
	}
	g, billed := graph()
	result, err := local.Run(ctx, g, exo.TriggerOptions{
		Inputs: exo.Fields(Order{Items: strings.Join(items, " ")}), // of the root step
	}, local.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	bill, err := exo.Output(result, billed)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, bill.Text)
	return err
}

// graph is drawn like this:
//
//	receive → split ⇉ price ⇉ total
//
// "total" unites "receive": it runs once for each state of that step, when all
// that this state gave rise to is done. Uniting "split" instead would be a join
// for each item, because a step that fans out has a state for each output.
func graph() (*exo.Graph, *exo.Step[Bill]) {
	g := exo.NewGraph("fanout")
	order := exo.Add(g, "receive", receive, Order{})
	item := exo.Add(g, "split", split, order.Out, exo.After(order))
	priced := exo.Add(g, "price", price, item.Out, exo.After(item))
	bill := exo.Add(g, "total", total, Priced{
		// All outputs of the branches, in the order of the branches: so the two lists match.
		Names: exo.CollectStrings(priced.Out.Name),
		Cents: exo.Collect(priced.Out.Cents),
	}, exo.After(priced), exo.Unites(order, exo.AllSuccess))
	return g, bill
}

type (
	// Order is what the trigger gives.
	Order struct {
		Items string `json:"items" jsonschema:"description=What is ordered as words"`
	}
	// Item is one of an order.
	Item struct {
		Name string `json:"name"`
	}
	// Price is what an item costs.
	Price struct {
		Name  string       `json:"name"`
		Cents exo.Val[int] `json:"cents"`
	}
	// Priced is what Collect makes of the prices.
	Priced struct {
		Names exo.Val[[]string] `json:"names"`
		Cents exo.Val[[]int]    `json:"cents"`
	}
	// Bill is the outcome.
	Bill struct {
		Text string `json:"text"`
	}
)

var (
	receive = exo.Node("Receive", func(_ context.Context, in Order, _ exo.None) (Order, error) {
		if strings.TrimSpace(in.Items) == "" {
			// No attempt will make it better, so none shall be made.
			return Order{}, exo.Permanent(errors.New("the order is empty"))
		}
		return in, nil
	})

	// split gives many outputs for one input. The graph goes on from each.
	split = exo.FanOut("Split", func(_ context.Context, in Order, _ exo.None) ([]Item, error) {
		var items []Item
		for name := range strings.FieldsSeq(in.Items) {
			items = append(items, Item{Name: name})
		}
		return items, nil
	})

	price = exo.Node("Price", func(_ context.Context, in Item, _ exo.None) (Price, error) {
		return Price{Name: in.Name, Cents: exo.Of(99 + 25*len(in.Name))}, nil
	})

	total = exo.Node("Total", func(_ context.Context, in Priced, _ exo.None) (Bill, error) {
		lines, sum := make([]string, len(in.Names.V)), 0
		for i, name := range in.Names.V {
			cents := in.Cents.V[i]
			lines[i] = line(name, cents)
			sum += cents
		}
		slices.Sort(lines)
		return Bill{Text: strings.Join(lines, "\n") + "\n" + line("total", sum)}, nil
	})
)

func line(name string, cents int) string {
	return fmt.Sprintf("%-10s %4d.%02d", name, cents/100, cents%100)
}
