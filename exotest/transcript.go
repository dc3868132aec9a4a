package exotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

// Transcript tells a run, a line for each state: what it is called, how long
// after the trigger it ended, its outcome, its inputs, and its outputs,
// error or data. States stand below the state that gave rise to them. It names
// no ids and no times but those, so it is the same wherever and however often the
// run is driven.
func Transcript(r *exo.RunResult) string {
	branches := branchesOf(r)
	named := names(branches)
	var b strings.Builder
	fmt.Fprintf(&b, "run of %s: %s after %v\n\n", r.Graph, r.Status, r.Elapsed)
	began := beginning(r)
	for _, br := range branches {
		for i := range br.attempts {
			s := &br.attempts[i]
			fmt.Fprintf(&b, "%s%s +%v %s %s%s\n", strings.Repeat("  ", br.depth), named[s.ID], s.UpdatedAt.Sub(began), s.Status,
				canonical(s.Inputs), ending(s))
		}
	}
	return withoutIDs(r, branches).Replace(b.String())
}

// beginning is when the run was triggered.
func beginning(r *exo.RunResult) time.Time {
	if len(r.States) == 0 {
		return time.Time{}
	}
	return r.States[0].CreatedAt
}

// ending is what came of a state.
func ending(s *exo.State) string {
	switch {
	case s.Error != "":
		return " error " + jsonText(s.Error)
	case s.Status == transport.StatusPruned:
		return " pruned " + canonical(s.Data)
	case s.Status == transport.StatusSuccess:
		return " -> " + canonical(s.Outputs)
	}
	return ""
}

// canonical is a JSON value in one line, the members of objects sorted.
func canonical(object []byte) string {
	if len(object) == 0 {
		return "{}"
	}
	var v any
	if err := json.Unmarshal(object, &v); err != nil {
		return string(object)
	}
	return jsonText(v)
}

func jsonText(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
