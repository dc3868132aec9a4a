package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// parallelReports is the number of single reports of one Report call that are
// in flight at once.
const parallelReports = 32

// Report implements [Worker] (protocol.md §§3, 13). It makes one call for many
// reports if the state manager can take them, and parallel calls otherwise.
func (n *namespace) Report(ctx context.Context, reports []Report) []error {
	errs := make([]error, len(reports))
	switch {
	case len(reports) == 0:
		return nil
	case len(reports) == 1:
		errs[0] = n.reportOne(ctx, reports[0])
	case n.has(ExtensionReport):
		n.reportBatches(ctx, reports, errs)
	default:
		n.reportEach(ctx, reports, errs)
	}
	for _, err := range errs {
		if err != nil {
			return errs
		}
	}
	return nil
}

// ReportBatch implements [BatchReporter].
func (n *namespace) ReportBatch() int {
	if n.has(ExtensionReport) {
		return maxReports
	}
	return 1
}

// reportEach makes a call for each report, several at once.
func (n *namespace) reportEach(ctx context.Context, reports []Report, errs []error) {
	var next atomic.Int64
	var calls sync.WaitGroup
	for range min(len(reports), parallelReports) {
		calls.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(reports)); i = next.Add(1) - 1 {
				errs[i] = n.reportOne(ctx, reports[i])
			}
		})
	}
	calls.Wait()
}

// reportOne makes the call for one report.
func (n *namespace) reportOne(ctx context.Context, r Report) error {
	kind, err := kindOf(r)
	if err != nil {
		return refused("report", err)
	}
	k := n.call("report", http.MethodPost, "/state/", r.StateID, kind.route)
	k.body = newPayload()
	b := append(k.body.bytes(), '{')
	b, err = appendOutcome(b, r, n.has(ExtensionReport))
	if err != nil {
		k.body.release()
		return refused("report", err)
	}
	if r.Token != "" {
		b = append(b, `,"lease_token":`...)
		b = jsontext.AppendString(b, r.Token)
	}
	k.body.set(append(b, '}'))
	return n.send(ctx, k, func(answer []byte) error {
		s := scan(answer)
		var result reportResult
		if err := s.Document(func(name jsontext.Span) error { return result.member(&s, name) }); err != nil {
			return err
		}
		return result.check()
	})
}

// outcomeKind holds the route of a single report and the member of a batch for
// a kind of outcome.
type outcomeKind struct{ route, member string }

func kindOf(r Report) (outcomeKind, error) {
	switch o := r.Outcome.(type) {
	case Executed:
		return outcomeKind{"/executed", "executed"}, nil
	case Errored:
		return outcomeKind{"/errored", "errored"}, nil
	case Pruned:
		return outcomeKind{"/prune", "prune"}, nil
	case Requeued:
		return outcomeKind{"/re-enqueue-after", "re_enqueue_after"}, nil
	default:
		return outcomeKind{}, fmt.Errorf("state %s: %T is not an outcome: want Executed, Errored, Pruned or Requeued", r.StateID, o)
	}
}

// appendOutcome appends the members of the body that hold the outcome. The
// result is valid JSON if every object in the outcome is. appendOutcome checks
// that unless the caller has.
func appendOutcome(b []byte, r Report, permanent bool) ([]byte, error) {
	switch o := r.Outcome.(type) {
	case Executed:
		b = append(b, `"outputs":[`...)
		for i, output := range o.Outputs {
			if i > 0 {
				b = append(b, ',')
			}
			output = objectOrEmpty(output)
			if !o.Checked {
				if err := jsontext.CheckObject([]byte(output)); err != nil {
					return b, fmt.Errorf("state %s: output %d: %w", r.StateID, i, err)
				}
			}
			b = append(b, output...)
		}
		b = append(b, ']')
	case Errored:
		b = append(b, `"error":`...)
		b = jsontext.AppendString(b, o.Message)
		if o.Permanent && permanent {
			b = append(b, `,"permanent":true`...)
		}
	case Pruned:
		data := []byte("{}")
		if o.Data != nil {
			var err error
			if data, err = json.Marshal(o.Data); err != nil {
				return b, fmt.Errorf("state %s: prune data: %w", r.StateID, err)
			}
		}
		b = append(b, `"data":`...)
		b = append(b, data...)
	case Requeued:
		b = append(b, `"enqueue_after":`...)
		b = strconv.AppendInt(b, max(millis(o.After), 1), 10)
	}
	return b, nil
}

// reportResult is the response to one report.
type reportResult struct {
	status string
	code   int64
	detail []byte // raw, as in the response
}

func (r *reportResult) member(s *scanner, name jsontext.Span) (err error) {
	switch string(s.Part(name)) {
	case "status":
		r.status, err = s.text(string(StatusExecuted))
	case "code":
		r.code, err = s.integer()
	case "detail":
		r.detail, err = s.Raw()
	default:
		err = s.Skip()
	}
	return err
}

func (r *reportResult) check() error {
	if r.status == "" && r.code == 0 {
		return errNoStatus
	}
	return nil
}

var errNoStatus = errors.New(`no "status"`)
