package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// nodeFlag is the value of a flag that names a node, by id or name. Which node has the name
// is known only once the node that the command is sent to was asked.
type nodeFlag struct{ flag, word string }

// addNodeFlag adds such a flag, with completions.
func addNodeFlag(a *app, cmd *cobra.Command, flag, doc string) *nodeFlag {
	f := &nodeFlag{flag: flag}
	cmd.Flags().Var(f, flag, doc)
	_ = cmd.RegisterFlagCompletionFunc(flag, a.completeNodes)
	return f
}

// String implements pflag.Value.
func (f *nodeFlag) String() string { return f.word }

// Type implements pflag.Value.
func (f *nodeFlag) Type() string { return "node" }

// Set implements pflag.Value.
func (f *nodeFlag) Set(word string) error {
	switch id, err := strconv.ParseUint(word, 10, 64); {
	case word == "":
		return errors.New("want the id or the name of a node")
	case err == nil && id == 0, errors.Is(err, strconv.ErrRange), strings.HasPrefix(word, "-"):
		return errors.New("ids of nodes are whole numbers from 1 to 2^64-1")
	}
	f.word = word
	return nil
}

// id returns the id of the node. A number is an id, also one that nobody has: names are
// labels.
func (f *nodeFlag) id(s *meshosv1.Snapshot) (uint64, error) {
	if id, err := strconv.ParseUint(f.word, 10, 64); err == nil {
		return id, nil
	}
	known := nodeRefs(s)
	var found []string
	var id uint64
	for _, r := range known {
		if r.name == f.word {
			id = r.id
			found = append(found, strconv.FormatUint(r.id, 10))
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("--%s: %s", f.flag, unknownName("node", f.word, known))
	case 1:
		return id, nil
	}
	return 0, fmt.Errorf("--%s: several nodes have the name %q; use one of their ids: %s", f.flag, f.word, strings.Join(found, ", "))
}

// or returns the id of the node, or that of the node that the command is sent to if the flag
// is not set.
func (f *nodeFlag) or(s *meshosv1.Snapshot) (uint64, error) {
	if f.word == "" {
		return s.GetNode(), nil
	}
	return f.id(s)
}

// nodeRefs returns the nodes that a node knows, itself included.
func nodeRefs(s *meshosv1.Snapshot) []ref {
	known := peerRefs(s)
	for _, r := range known {
		if r.id == s.GetNode() {
			return known
		}
	}
	return append([]ref{{s.GetNode(), s.GetInfo().GetName()}}, known...)
}

// unknownName returns the error for a name or id that nothing has, with names like it.
func unknownName(what, word string, known []ref) string {
	if _, err := strconv.ParseUint(word, 10, 64); err == nil {
		return fmt.Sprintf("no %s has the id %s; known are %s", what, word, view.OrDash(refWords(known)))
	}
	names := make([]string, 0, len(known))
	for _, r := range known {
		names = append(names, r.name)
	}
	if near := config.Near(word, names); len(near) > 0 {
		near = near[:min(len(near), 5)]
		for i := range near {
			near[i] = view.Plain(near[i])
		}
		return fmt.Sprintf("no %s has the name %q; did you mean %s?", what, word, strings.Join(near, ", "))
	}
	return fmt.Sprintf("no %s has the name %q; known are %s", what, word, view.OrDash(refWords(known)))
}

// completeNodes offers the nodes that a running node knows, by name where they have one.
func (a *app) completeNodes(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if snapshot, ok := a.snapshotForShell(cmd); ok {
		for _, r := range nodeRefs(snapshot) {
			names = append(names, nameOrID(r.name, r.id))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
