package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/internal/readfile"
)

// shownFields is how many fields of a tick are shown to people.
const shownFields = 40

// differError is the error for two runs that differ. The differences were printed already.
type differError struct{ what string }

func (e *differError) Error() string { return e.what }

// replayDiff compares a journal with another one, or with the output of a replay.
func (a *app) replayDiff(file, other string, until uint64, output outputFlag) error {
	one, endOne, err := a.journalSide(file, until)
	if err != nil {
		return err
	}
	defer endOne()
	two, endTwo, err := a.otherSide(other, until)
	if err != nil {
		return err
	}
	defer endTwo()
	difference, ticks, err := journal.Compare(one, two)
	if err != nil {
		return err
	}
	if output == outputJSON {
		err = writeDifferenceJSON(a.out, difference, ticks)
	} else {
		_, err = io.WriteString(a.out, differenceText(difference, ticks, file, other))
	}
	if err == nil && difference != nil {
		return &differError{what: fmt.Sprintf("%s and %s differ", file, other)}
	}
	return err
}

func (a *app) journalSide(file string, until uint64) (side journal.Side, end func(), err error) {
	reader, err := journal.Open(file)
	if err != nil {
		return nil, nil, err
	}
	replay := journal.NewReplay(reader)
	return journal.ReplayedSide(file, replay, until), func() {
		_ = reader.Close()
		a.warnOfReplay(replay)
	}, nil
}

// otherSide opens a journal or the output of a replay. It looks at how the file begins.
func (a *app) otherSide(file string, until uint64) (side journal.Side, end func(), err error) {
	f, _, err := readfile.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return a.journalSide(file, until) // there may be older parts, FILE.1 and so on
	}
	if err != nil {
		return nil, nil, err
	}
	from := bufio.NewReader(f)
	if !journal.Printed(from) {
		_ = f.Close()
		return a.journalSide(file, until)
	}
	return journal.PrintedSide(file, from, until), func() { _ = f.Close() }, nil
}

func differenceText(d *journal.Difference, ticks uint64, one, other string) string {
	switch {
	case d == nil:
		return fmt.Sprintf("equal: %s\n", view.Counted(int(ticks), "tick"))
	case d.Ended != "":
		return fmt.Sprintf("%s ends after tick %d, the other one continues (%s)\n", d.Ended, ticks, strings.Join(d.Places[:], ""))
	}
	var b strings.Builder
	if d.Tick == 0 {
		fmt.Fprintf(&b, "all %s are equal, but the snapshots at the end differ\n", view.Counted(int(ticks), "tick"))
	} else {
		fmt.Fprintf(&b, "tick %d is the first that differs\n", d.Tick)
	}
	first, second := one, other
	if d.Tick != 0 {
		first, second = d.Places[0], d.Places[1]
	}
	for i, f := range d.Fields {
		if i == shownFields {
			fmt.Fprintf(&b, "  and %s more; -o json shows all of them\n", view.Counted(len(d.Fields)-i, "field"))
			break
		}
		fmt.Fprintf(&b, "  %s\n    %s: %s\n    %s: %s\n", view.Plain(f.Path), view.Plain(first), orNone(f.One), view.Plain(second), orNone(f.Other))
	}
	return b.String()
}

func orNone(value string) string {
	if value == "" {
		return "(none)"
	}
	return view.Plain(value)
}

// writeDifferenceJSON prints one object: {"equal":false,"ticks":2,"tick":3,"fields":[…]}.
func writeDifferenceJSON(w io.Writer, d *journal.Difference, ticks uint64) error {
	type field struct {
		Path  string          `json:"path"`
		One   json.RawMessage `json:"one,omitempty"`
		Other json.RawMessage `json:"other,omitempty"`
	}
	out := struct {
		Equal  bool    `json:"equal"`
		Ticks  uint64  `json:"ticks"` // compared and equal
		Tick   uint64  `json:"tick,omitempty"`
		Ended  string  `json:"ended,omitempty"`
		Fields []field `json:"fields,omitempty"`
	}{Equal: d == nil, Ticks: ticks}
	if d != nil {
		out.Tick, out.Ended = d.Tick, d.Ended
		for _, f := range d.Fields {
			out.Fields = append(out.Fields, field{Path: f.Path, One: json.RawMessage(f.One), Other: json.RawMessage(f.Other)})
		}
	}
	return json.NewEncoder(w).Encode(out)
}
