package httpapi

import (
	"strconv"

	"github.com/exospherehost/exo-go/exo/transport"
)

// The calls of runtimes (protocol.md §3 and, of §13, wait, lease and report).

func register(c *call, b *registerBody) error {
	if err := c.server.Register(c.context(), c.namespace(), b.Runtime, b.Nodes); err != nil {
		return err
	}
	return c.json(registerAnswer{Runtime: b.Runtime, Nodes: b.Nodes})
}

func enqueue(c *call, b *enqueueBody) error {
	ctx := c.context()
	req := transport.ClaimRequest{
		Nodes: b.Nodes,
		Max:   int(max(0, min(b.BatchSize, maxBatch))),
		Wait:  min(duration(b.WaitMS), maxWait),
		Lease: duration(b.LeaseMS),
	}
	if req.Wait > 0 && b.WaitID != "" {
		key := waitKey{c.namespace(), b.WaitID}
		stop := c.waits.begin(key)
		defer c.waits.end(key, stop)
		req.Stop = stop
	}
	states, err := c.server.Claim(ctx, c.namespace(), req)
	// A context that ends while the client waits means that the client has gone,
	// or that the server is being stopped: then it is told that there is nothing.
	if err != nil && ctx.Err() == nil {
		return err
	}
	c.out = appendStates(c.out, c.namespace(), states, c.extended())
	return nil
}

// report1 hands in one report.
func (c *call) report1(token string, o transport.Outcome) error {
	res, err := c.server.Report(c.context(), c.namespace(), transport.Report{StateID: c.params[1], Token: token, Outcome: o})
	if err != nil {
		return err
	}
	c.out = appendReported(c.out, o, res)
	return nil
}

func executed(c *call, b *executedBody) error {
	return c.report1(b.Token, transport.Executed{Outputs: b.Outputs})
}

func errored(c *call, b *erroredBody) error {
	return c.report1(b.Token, transport.Errored{Message: b.Error, Permanent: b.Permanent})
}

func prune(c *call, b *pruneBody) error { return c.report1(b.Token, b.pruned()) }

func requeue(c *call, b *requeueBody) error {
	return c.report1(b.Token, transport.Requeued{After: duration(b.EnqueueAfter)})
}

// report hands in many reports, each of which is taken or refused by itself.
func report(c *call, b *reportBody) error {
	reports := make([]transport.Report, 0, len(b.Reports))
	for i := range b.Reports {
		if e := &b.Reports[i]; e.refused == nil {
			reports = append(reports, e.Report)
		}
	}
	results, errs := c.server.ReportAll(c.context(), c.namespace(), reports)
	c.out = append(c.out, `{"results":[`...)
	n := 0 // of the reports that were handed in
	for i := range b.Reports {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		if err := b.Reports[i].refused; err != nil {
			c.out = appendRefusedReport(c.out, err)
			continue
		}
		if len(errs) > 0 && errs[n] != nil {
			c.out = appendRefusedReport(c.out, errs[n])
		} else {
			c.out = appendReported(c.out, reports[n].Outcome, results[n])
		}
		n++
	}
	c.out = append(c.out, `]}`...)
	return nil
}

// appendRefusedReport appends the outcome of a report that was not taken.
func appendRefusedReport(dst []byte, err error) []byte {
	answer, status, _ := appendRefusal(nil, err)
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ',')
	return append(dst, answer[1:]...) // the rest of {"detail":…}
}

func heartbeat(c *call, b *heartbeatBody) error {
	lost, err := c.server.Heartbeat(c.context(), c.namespace(), b.Leases, duration(b.LeaseMS))
	if err != nil {
		return err
	}
	return c.json(heartbeatAnswer{Lost: orEmptyList(lost)})
}

func secrets(c *call) error {
	s, err := c.server.Secrets(c.context(), c.namespace(), c.params[1])
	if err != nil {
		return err
	}
	return c.json(secretsAnswer{Secrets: orEmptyMap(s)})
}
