package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newPluginCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Look at a node's plugins",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPluginListCommand(a), newPluginDescribeCommand(a))
	return cmd
}

func newPluginListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the plugins with what they do and how they are",
		Long: `Lists the configured plugins. With -o json it prints a Snapshot of the contract that
holds nothing but them.`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
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
		if *output == outputJSON {
			return writeJSON(a.out, &meshosv1.Snapshot{Plugins: snapshot.GetPlugins()}, false)
		}
		var b strings.Builder
		view{paint: paint(a.colour(a.out))}.plugins(&b, snapshot.GetPlugins())
		_, err = io.WriteString(a.out, strings.TrimPrefix(b.String(), "\n"))
		return err
	}
	return cmd
}

func newPluginDescribeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "describe NAME",
		Short: "Tell all about one plugin",
		Long: `Tells all that the node knows of one plugin: how it is and why, when it is tried
again, its life so far, how its last process ended and what that said last.`,
		Example: `  meshos plugin describe health-tcp
  meshos plugin describe health-tcp -o json | jq -r .config_schema`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completePlugins,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
		defer cancel()
		detail, err := node.DescribePlugin(ctx, &hostv1.PluginRequest{Name: args[0]})
		if err != nil {
			return node.explain(err)
		}
		if *output == outputJSON {
			return writeJSON(a.out, detail, false)
		}
		_, err = io.WriteString(a.out, describePlugin(detail, paint(a.colour(a.out)), a.zone))
		return err
	}
	return cmd
}

func describePlugin(d *hostv1.PluginDetail, p paint, zone *time.Location) string {
	var b strings.Builder
	v := d.GetView()
	status := pluginStatus(v.GetStatus())
	fmt.Fprintf(&b, "%s %s: %s", p.in(strong, plain(v.GetName())), plain(v.GetVersion()), p.in(status.style, status.text))
	if note := pluginNote(v); note != "" {
		b.WriteString(": " + note)
	}
	b.WriteString("\n")
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-9s %s\n", key, plain(value))
		}
	}
	line("kinds", orDash(strings.Join(v.GetKinds(), ", ")))
	line("file", d.GetPath())
	line("sha256", v.GetSha256())
	line("pid", pid(v.GetPid()))
	line("calls", fmt.Sprintf("%d, %d failed, the last took %s", v.GetCalls(), v.GetFailures(), span(v.GetLastCall())))
	line("restarts", idOf(v.GetRestarts()))
	line("last exit", orDash(d.GetLastExit()))
	for _, warning := range d.GetWarnings() {
		line("warning", warning)
	}
	heading := func(title string, n int) {
		if n > 0 {
			b.WriteString("\n" + p.in(strong, title) + "\n")
		}
	}
	heading("TIMELINE", len(d.GetTimeline()))
	for _, event := range d.GetTimeline() {
		fmt.Fprintf(&b, "  %s %s\n", p.in(faint, clock(event.GetAt(), zone)), plain(event.GetWhat()))
	}
	heading("LAST LINES OF STDERR", len(d.GetLastStderr()))
	for _, stderr := range d.GetLastStderr() {
		b.WriteString("  " + plain(logWords(stderr)) + "\n")
	}
	return b.String()
}

// logWords gives a line that a plugin logged as JSON in words: "WARN message
// key=value". Any other line stays as it is.
func logWords(line string) string {
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber() // 1902000 stays as it is written
	if decoder.Decode(&fields) != nil {
		return line
	}
	message, ok := fields["@message"].(string)
	if !ok {
		return line
	}
	level, _ := fields["@level"].(string)
	words := fmt.Sprintf("%-5s %s", strings.ToUpper(level), message)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(key, "@") {
			value := fmt.Sprint(fields[key])
			if value == "" || strings.ContainsAny(value, " \"=") {
				value = strconv.Quote(value)
			}
			words += " " + key + "=" + value
		}
	}
	return words
}
