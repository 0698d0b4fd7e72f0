package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// completeSubjects offers what a running node can explain to the shell.
func (a *app) completeSubjects(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const nothing = cobra.ShellCompDirectiveNoFileComp
	if len(args) == 0 {
		return []string{"chain", "daemon", "peer"}, nothing
	}
	if len(args) > 1 {
		return nil, nothing
	}
	node, err := a.connect()
	if err != nil {
		return nil, nothing
	}
	defer node.close()
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	snapshot, err := node.snapshot(ctx)
	if err != nil {
		return nil, nothing
	}
	var found []string
	add := func(id uint64, name string) {
		if name == "" {
			name = idOf(id)
		}
		found = append(found, name)
	}
	switch args[0] {
	case "chain":
		for _, c := range snapshot.GetReplicas() {
			add(c.GetChain(), "")
		}
	case "daemon":
		for _, d := range snapshot.GetDaemons() {
			add(d.GetDaemon().GetId(), d.GetDaemon().GetName())
		}
	case "peer":
		for _, p := range snapshot.GetPeers() {
			add(p.GetPeer(), p.GetName())
		}
	}
	return found, nothing
}
