package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// snapshotForShell returns a running node's snapshot, and whether the node answered in the
// short time that a shell can wait for completions.
func (a *app) snapshotForShell(cmd *cobra.Command) (*meshosv1.Snapshot, bool) {
	node, err := a.connect()
	if err != nil {
		return nil, false
	}
	defer node.close()
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	snapshot, err := node.snapshot(ctx)
	return snapshot, err == nil
}

// completePlugins offers the names of a running node's plugins.
func (a *app) completePlugins(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) == 0 {
		snapshot, _ := a.snapshotForShell(cmd)
		for _, plugin := range snapshot.GetPlugins() {
			names = append(names, plugin.GetName())
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeDaemons offers a running node's daemons, by name where they have one.
func (a *app) completeDaemons(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	snapshot, _ := a.snapshotForShell(cmd)
	for _, daemon := range snapshot.GetDaemons() {
		names = append(names, nameOrID(daemon.GetDaemon().GetName(), daemon.GetDaemon().GetId()))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// nameOrID returns the name, or the id if there is no name or one that could steer a terminal.
func nameOrID(name string, id uint64) string {
	if name == "" || view.Plain(name) != name {
		return strconv.FormatUint(id, 10)
	}
	return name
}

// completeSubjects offers what a running node can explain.
func (a *app) completeSubjects(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const nothing = cobra.ShellCompDirectiveNoFileComp
	if len(args) == 0 {
		return []string{"chain", "daemon", "peer"}, nothing
	}
	if len(args) > 1 {
		return nil, nothing
	}
	snapshot, _ := a.snapshotForShell(cmd)
	var found []string
	switch args[0] {
	case "chain":
		for _, c := range snapshot.GetReplicas() {
			found = append(found, strconv.FormatUint(c.GetChain(), 10))
		}
	case "daemon":
		for _, d := range snapshot.GetDaemons() {
			found = append(found, nameOrID(d.GetDaemon().GetName(), d.GetDaemon().GetId()))
		}
	case "peer":
		for _, p := range snapshot.GetPeers() {
			found = append(found, nameOrID(p.GetName(), p.GetPeer()))
		}
	}
	return found, nothing
}
