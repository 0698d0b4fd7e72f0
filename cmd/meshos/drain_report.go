package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
)

// drainedJSON is what -o json prints of each node.
type drainedJSON struct {
	Step   int         `json:"step"`
	Of     int         `json:"of"`
	Node   uint64      `json:"node,string"`
	Name   string      `json:"name,omitempty"`
	Result drainResult `json:"result"`
	Reason string      `json:"reason,omitempty"`
	Height uint64      `json:"height,omitempty,string"` // of its order in the log
	Took   string      `json:"took,omitempty"`
	Left   []string    `json:"left,omitempty"`
}

// say prints a line about the drain of a node.
func (d *nodeDrains) say(i int, of ref, words string) {
	if *d.flags.output == outputTable {
		_, _ = fmt.Fprintf(d.app.out, "%d/%d %s: %s\n", i+1, len(d.nodes), nameOrID(view.Plain(of.name), of.id), words)
	}
}

// report says how the drain of a node ended.
func (d *nodeDrains) report(i int, end drainEnd, height uint64, took time.Duration) {
	of := d.nodes[i]
	if *d.flags.output == outputJSON {
		out := drainedJSON{Step: i + 1, Of: len(d.nodes), Node: of.id, Name: of.name, Result: end.result, Reason: end.why, Height: height}
		if end.result != resultNotBegun {
			out.Took = took.Round(time.Millisecond).String()
			if end.result != resultDrained && d.ordered {
				out.Left = d.series.left
			}
		}
		_ = json.NewEncoder(d.app.out).Encode(out)
		return
	}
	if end.result == resultDrained {
		d.say(i, of, d.app.color(d.app.out).Apply(view.Good, "drained after "+view.Seconds(took.Round(100*time.Millisecond))))
		return
	}
	words := strings.ReplaceAll(string(end.result), "_", " ")
	if d.ordered && len(d.series.left) > 0 {
		words += "; " + d.series.leftWords()
	}
	d.say(i, of, d.app.color(d.app.out).Apply(view.Bad, words))
}

// stopped returns the error of a series that ended at a node, with what is done, what is left,
// and how to go on. The nodes from a later one on were not begun.
func (d *nodeDrains) stopped(at, notBegun int, why error) error {
	if *d.flags.output == outputJSON {
		for i := notBegun; i < len(d.nodes); i++ {
			d.report(i, drainEnd{result: resultNotBegun}, 0, 0)
		}
	}
	text := "\n    drained: " + view.OrDash(refNames(d.nodes[:at]))
	switch {
	case d.sent:
		text += "\n    not known whether it was ordered (meshos audit tail shows it): " + refNames(d.nodes[at:at+1])
		text += "\n    not begun: " + view.OrDash(refNames(d.nodes[at+1:]))
	case d.ordered:
		text += fmt.Sprintf("\n    its drain goes on; to end that: meshos admin uncordon --node %s", shellWord(d.words[at]))
		text += "\n    not begun: " + view.OrDash(refNames(d.nodes[at+1:]))
	default:
		text += "\n    not drained: " + refNames(d.nodes[at:])
	}
	return fmt.Errorf("%w%s\n    to go on: %s", why, text, d.again(d.words[at:]))
}

// again returns the command that goes on with some nodes.
func (d *nodeDrains) again(left []string) string {
	line := []string{d.cmd.CommandPath(), "--nodes", shellWord(strings.Join(left, ","))}
	d.cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "nodes":
		case f.Value.Type() == "bool":
			line = append(line, "--"+f.Name)
		case f.Value.Type() == "stringArray":
			if list, is := f.Value.(pflag.SliceValue); is {
				for _, v := range list.GetSlice() {
					line = append(line, "--"+f.Name, shellWord(v))
				}
			}
		default:
			line = append(line, "--"+f.Name, shellWord(f.Value.String()))
		}
	})
	return strings.Join(line, " ")
}

// shellWord returns a word as a shell takes it.
func shellWord(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:,=@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
