package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Rows of other libraries, which bench/peers measures.
const (
	asynqJobs   = "asynq: jobs"
	asynqPick50 = "asynq: pick-up p50"
	asynqFast50 = "asynq at 1 ms: pick-up p50"
	asynqFast99 = "asynq at 1 ms: pick-up p99"
	riverJobs   = "River: jobs"
	riverPick50 = "River: pick-up p50"
	riverPick99 = "River: pick-up p99"
)

// peers are other libraries, measured by a program that has them linked in. nil
// are none.
type peers struct{ *process }

func startPeers(ctx context.Context, program string) (*peers, error) {
	if program == "" {
		return nil, nil //nolint:nilnil // none are wanted
	}
	p, err := startProgram(ctx, program, nil)
	if err != nil {
		return nil, fmt.Errorf("start the peers: %w", err)
	}
	return &peers{p}, nil
}

// stop ends the program, if there is one.
func (p *peers) stop() error {
	if p == nil {
		return nil
	}
	return p.process.stop()
}

// throughput and latency are measured right after our own, which they are
// compared with.
func (p *peers) throughput(s scale) []measurement {
	return p.measurements(request{"asynq", s.Jobs}, request{"river", s.Jobs})
}

func (p *peers) latency(s scale) []measurement {
	return p.measurements(request{"asynq pick-up", s.Polls}, request{"asynq fast poll", s.PickUps}, request{"river pick-up", s.PickUps})
}

// A request has the program make a measurement of so many jobs.
type request struct {
	Measure string `json:"measure"`
	N       int    `json:"n"`
}

func (p *peers) measurements(requests ...request) (list []measurement) {
	if p == nil {
		return nil
	}
	for _, r := range requests {
		list = append(list, measurement{r.Measure, func(context.Context) (map[string]float64, error) { return p.ask(r) }})
	}
	return list
}

// ask writes a line, and reads one.
func (p *peers) ask(r request) (map[string]float64, error) {
	if err := json.NewEncoder(p.stdin).Encode(r); err != nil {
		return nil, err
	}
	line, err := p.line()
	if err != nil {
		return nil, err
	}
	var answer struct {
		Values map[string]float64 `json:"values"`
		Error  string             `json:"error"`
	}
	if err := json.Unmarshal([]byte(line), &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Values, nil
}
