package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// errNotWell ends a command with exit code 1: its output says it all.
var errNotWell = errors.New("")

func newHealthCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say in a sentence whether a node is well, for scripts",
		Long: `Prints the sentence with which status begins, and exits with 0 if all is well, with 1 if
something is wrong, with 3 if the node does not answer, and with 6 if this user may not
ask it. What operators ordered (a drain, maintenance, a freeze) is in the sentence, but is
not wrong; a drain that failed is.

Peers that are unreachable or degraded count as wrong, unless --ignore-peers is given: then
the verdict is about the node itself.`,
		Example: `  meshos health
  meshos health --ignore-peers || systemctl restart meshos
  meshos health -o json | jq -r '.troubles[]'`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	ignore := cmd.Flags().Bool("ignore-peers", false, "judge only the node itself")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		snapshot, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		if *ignore {
			snapshot.Peers = nil
		}
		s := &statusPage{a: a, node: node}
		verdict := a.printer(a.out).Judge(s.page(cmd.Context(), snapshot))
		if *output == outputJSON {
			err = json.NewEncoder(a.out).Encode(struct {
				Well     bool     `json:"well"`
				Verdict  string   `json:"verdict"`
				Troubles []string `json:"troubles"`
				Notes    []string `json:"notes"`
			}{verdict.Well(), verdict.Sentence(), listed(verdict.Troubles), listed(verdict.Notes)})
		} else {
			_, err = fmt.Fprintln(a.out, a.color(a.out).Apply(healthStyle(verdict), verdict.Sentence()))
		}
		if err == nil && !verdict.Well() {
			err = errNotWell
		}
		return err
	}
	return cmd
}

// sentence returns the sentence with which the status of a node begins.
func (a *app) sentence(s *meshosv1.Snapshot) string {
	return view.Printer{Zone: a.zone}.Judge(view.Page{Snapshot: s, Now: a.now()}).Sentence()
}

// trouble returns what is wrong with a node first of all; "" for nothing.
func (a *app) trouble(s *meshosv1.Snapshot) string {
	v := view.Printer{Zone: a.zone}.Judge(view.Page{Snapshot: s, Now: a.now()})
	if len(v.Troubles) == 0 {
		return ""
	}
	return v.Troubles[0]
}

func healthStyle(v view.Verdict) view.Style {
	if !v.Well() {
		return view.Bad
	}
	return view.Good
}

// listed returns a list that JSON shows as one, even if it is empty.
func listed(words []string) []string {
	if words == nil {
		return []string{}
	}
	return words
}
