package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// maxReports and maxReportBytes limit one call of the report extension.
const (
	maxReports     = 1000
	maxReportBytes = 4 << 20
)

// reportBatches sends the reports in as few calls as their number and size
// allow, one after another. A report that cannot be sent gets an error of its
// own.
func (n *namespace) reportBatches(ctx context.Context, reports []Report, errs []error) {
	for start := 0; start < len(reports); {
		start = n.reportBatch(ctx, reports, errs, start)
	}
}

// reportBatch sends the reports from start on that fit into one call, and
// returns the index of the first report of the next call.
func (n *namespace) reportBatch(ctx context.Context, reports []Report, errs []error, start int) (next int) {
	body := newPayload()
	b := append(body.bytes(), `{"reports":[`...)
	sent := make([]int, 0, min(len(reports)-start, maxReports))
	for next = start; next < len(reports) && len(sent) < maxReports; next++ {
		before := len(b)
		var err error
		if b, err = appendBatched(b, reports[next], len(sent) > 0); err != nil {
			errs[next] = refused("report", err)
			b = b[:before]
			continue
		}
		if len(b) > maxReportBytes && len(sent) > 0 {
			b = b[:before]
			break
		}
		sent = append(sent, next)
	}
	body.set(append(b, "]}"...))
	if len(sent) == 0 {
		body.release()
		return next
	}
	k := n.call("report", http.MethodPost, "/states/report")
	k.body = body
	n.sendBatch(ctx, k, reports, errs, sent)
	return next
}

func appendBatched(b []byte, r Report, more bool) ([]byte, error) {
	if r.StateID == "" {
		return b, errors.New("report without a state ID")
	}
	kind, err := kindOf(r)
	if err != nil {
		return b, err
	}
	if more {
		b = append(b, ',')
	}
	b = append(b, `{"state_id":`...)
	b = jsontext.AppendString(b, r.StateID)
	if r.Token != "" {
		b = append(b, `,"lease_token":`...)
		b = jsontext.AppendString(b, r.Token)
	}
	b = append(b, `,"`...)
	b = append(b, kind.member...)
	b = append(b, `":{`...)
	b, err = appendOutcome(b, r, true)
	return append(b, "}}"...), err
}

// sendBatch makes the call for the reports at the indexes sent.
func (n *namespace) sendBatch(ctx context.Context, k call, reports []Report, errs []error, sent []int) {
	err := n.send(ctx, k, func(answer []byte) error { return n.readResults(answer, errs, sent) })
	switch {
	case err == nil:
	case noRoute(err) && !n.has(ExtensionReport):
		// The state manager has been replaced by one without the extension.
		again, failed := make([]Report, len(sent)), make([]error, len(sent))
		for i, at := range sent {
			again[i] = reports[at]
		}
		n.reportEach(ctx, again, failed)
		for i, at := range sent {
			errs[at] = failed[i]
		}
	default:
		for _, at := range sent {
			errs[at] = err
		}
	}
}

// readResults stores the results of a batch in the errors of its reports.
func (n *namespace) readResults(raw []byte, errs []error, sent []int) error {
	s := scan(raw)
	var results []reportResult
	var r reportResult
	member := func(name jsontext.Span) error { return r.member(&s, name) }
	err := s.Document(func(name jsontext.Span) error {
		if string(s.Part(name)) != "results" || s.Peek() != '[' {
			return s.Skip()
		}
		results = make([]reportResult, 0, len(sent))
		return s.Array(func() error {
			r = reportResult{}
			if s.Peek() != '{' {
				return errNoStatus
			}
			if err := s.Object(member); err != nil {
				return err
			}
			results = append(results, r)
			return r.check()
		})
	})
	if err != nil {
		return err
	}
	if len(results) != len(sent) {
		return fmt.Errorf("got %d results for %d reports", len(results), len(sent))
	}
	for i, r := range results {
		if r.code != 0 {
			errs[sent[i]] = &Error{Op: "report", Status: int(r.code), Message: n.clean(n.detailText(r.detail))}
		}
	}
	return nil
}
