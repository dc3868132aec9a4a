package guide_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exotest"
	"go.uber.org/zap"
)

// sample:bill

// Order is what a customer is to be billed for.
type Order struct {
	ID  string       `json:"id" jsonschema:"description=Number of the order"`
	Net exo.Val[int] `json:"net" jsonschema:"description=Sum in cents before tax"`
	Tax exo.Val[int] `json:"tax" jsonschema:"default=19,description=Tax in percent"`
}

// Invoice is what becomes of it.
type Invoice struct {
	Number string       `json:"number"`
	Total  exo.Val[int] `json:"total"`
}

var Bill = exo.Node("Bill", bill)

func bill(ctx context.Context, in Order, _ exo.None) (Invoice, error) {
	exo.Logger(ctx).Info("billing", zap.String("order", in.ID))
	return Invoice{Number: "R-" + in.ID, Total: exo.Of(in.Net.V * (100 + in.Tax.V) / 100)}, nil
}

// end sample

// sample:bill test
func TestBill(t *testing.T) {
	invoice := exotest.Run(t, Bill, Order{ID: "7", Net: exo.Of(1000), Tax: exo.Of(7)}, exo.None{}).One(t)
	if invoice.Number != "R-7" || invoice.Total.V != 1070 {
		t.Errorf("got %+v", invoice)
	}
}

// end sample

func TestBillDefault(t *testing.T) {
	invoice := exotest.RunFields(t, Bill, map[string]string{"id": "7", "net": "1000"}, nil).One(t)
	if invoice.Total.V != 1190 {
		t.Errorf("got %+v, want a tax of 19 %%", invoice)
	}
}

// sample:orders

// Month is which orders to bill.
type Month struct {
	Month string `json:"month"`
}

var Orders = exo.FanOut("Orders", func(_ context.Context, in Month, _ exo.None) ([]Order, error) {
	return []Order{
		{ID: in.Month + "-1", Net: exo.Of(1000), Tax: exo.Of(19)},
		{ID: in.Month + "-2", Net: exo.Of(200), Tax: exo.Of(7)},
	}, nil
})

// end sample

// sample:val

// Cart is an order with everything in it.
type Cart struct {
	Items exo.Val[[]Item] `json:"items"`
}

// Item is a line of a Cart: any type that encoding/json takes.
type Item struct {
	Name  string
	Cents int
}

var Sum = exo.Node("Sum", func(_ context.Context, in Cart, _ exo.None) (Invoice, error) {
	total := 0
	for _, item := range in.Items.V {
		total += item.Cents
	}
	return Invoice{Total: exo.Of(total)}, nil
})

// end sample

func TestSum(t *testing.T) {
	cart := Cart{exo.Of([]Item{{"pen", 120}, {"ink", 300}})}
	if got := exotest.Run(t, Sum, cart, exo.None{}).One(t); got.Total.V != 420 {
		t.Errorf("got %+v", got)
	}
	if got := exotest.RunFields(t, Sum, map[string]string{"items": "not JSON"}, nil); !node.IsPermanent(got.Err) {
		t.Errorf("got %v, want a permanent error", got.Err)
	}
}

// sample:secret

// Mailbox is what Send needs to know and nobody else may.
type Mailbox struct {
	User     string     `json:"mail_user"`
	Password exo.Secret `json:"mail_password"`
}

var Send = exo.Node("Send", func(ctx context.Context, in Invoice, mailbox Mailbox) (exo.None, error) {
	return exo.None{}, send(ctx, mailbox.User, mailbox.Password.Reveal(), "invoice "+in.Number)
})

// end sample

// send stands for what would send a mail.
func send(_ context.Context, user, password, text string) error {
	if password == "wrong" {
		return fmt.Errorf("%s: %q is not the password (%s)", user, password, text)
	}
	return nil
}

func TestSend(t *testing.T) {
	if err := exotest.Run(t, Send, Invoice{Number: "1"}, Mailbox{"ada", "right"}).Err; err != nil {
		t.Error(err)
	}
	err := exotest.Run(t, Send, Invoice{Number: "1"}, Mailbox{"ada", "wrong"}).Err
	if err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("error %v, want one without the password", err)
	}
}
