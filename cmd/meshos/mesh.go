package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/nodekey"
)

// meshPlugin is the plugin that links the nodes of a mesh.
const meshPlugin = "mesh-nats"

func newMeshCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mesh",
		Short: "Join machines to a mesh: one log of orders, any node from any node",
		Long: `Makes a mesh of machines, with one command on each of them:

  alpha$ meshos mesh init --listen 10.0.0.1:7420      # and start or restart the node
  alpha$ meshos mesh token                            # prints a token
  bravo$ meshos mesh join meshos1.…                   # and start or restart the node

What an operator orders on any of them then holds for all. init and join change
meshos.toml by adding lines to it, and show what they add.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{err: errors.New("a command is missing: mesh init, token, join, leave, adopt, recover, checkpoint or status"), help: cmd.CommandPath() + " --help"}
		},
	}
	cmd.AddCommand(newMeshInitCommand(a), newMeshTokenCommand(a), newMeshJoinCommand(a), newMeshLeaveCommand(a), newMeshStatusCommand(a), newMeshAdoptCommand(a),
		newMeshRecoverCommand(a), newMeshCheckpointCommand(a))
	return cmd
}

// ownKey is the key of the node with this configuration.
type ownKey struct{ *nodekey.Key }

// Keys returns the public keys.
func (k ownKey) Keys() (own, link mesh.PublicKey, err error) {
	copy(own[:], k.Public())
	public, err := k.LinkPublic()
	copy(link[:], public)
	return own, link, err
}

// tomlEdit is a change of a configuration that keeps what is in it.
type tomlEdit struct {
	lines []string
	shown []string // "+ line", "- line"
}

func editToml(text string) *tomlEdit {
	return &tomlEdit{lines: strings.Split(strings.TrimRight(text, "\n"), "\n")}
}

// set sets a key of [node]. A line that sets it already becomes a comment.
func (e *tomlEdit) set(key, value string) {
	line := key + " = " + value
	at, in := -1, false
	for i, text := range e.lines {
		bare := strings.TrimSpace(text)
		switch {
		case strings.HasPrefix(bare, "["):
			in = strings.HasPrefix(bare, "[node]")
			if in {
				at = i
			}
		case in && (strings.HasPrefix(bare, key+" ") || strings.HasPrefix(bare, key+"=")):
			e.shown = append(e.shown, "- "+text)
			e.lines[i] = "#" + text
			at = i
		}
	}
	if at < 0 {
		e.lines = append([]string{"[node]", line, ""}, e.lines...)
		e.shown = append(e.shown, "+ [node]", "+ "+line)
		return
	}
	e.lines = append(e.lines[:at+1], append([]string{line}, e.lines[at+1:]...)...)
	e.shown = append(e.shown, "+ "+line)
}

// add adds lines at the end.
func (e *tomlEdit) add(lines ...string) {
	e.lines = append(e.lines, "")
	e.lines = append(e.lines, lines...)
	for _, l := range lines {
		e.shown = append(e.shown, "+ "+l)
	}
}

func (e *tomlEdit) text() string { return strings.Join(e.lines, "\n") + "\n" }

// pluginEntry returns the entry of the mesh plugin.
func pluginEntry(listen string, seeds []string) []string {
	out := []string{"[[plugin]]", fmt.Sprintf("name = %q", meshPlugin), "[plugin.config]"}
	if listen != "" {
		out = append(out, fmt.Sprintf("listen = %q", listen))
	}
	quoted := make([]string, 0, len(seeds))
	for _, s := range seeds {
		quoted = append(quoted, fmt.Sprintf("%q", s))
	}
	return append(out, "seeds = ["+strings.Join(quoted, ", ")+"]")
}

// writeConfig shows a change, checks the result, and writes it in one step.
func (a *app) writeConfig(path string, e *tomlEdit) error {
	if _, err := config.Parse(path, e.text()); err != nil {
		var report *config.Report
		if errors.As(err, &report) {
			return fmt.Errorf("the changed configuration would have mistakes, so nothing was changed:\n%v", report)
		}
		return err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(target, []byte(e.text()), info.Mode().Perm(), renameio.WithTempDir(filepath.Dir(target)), renameio.WithExistingPermissions()); err != nil {
		return fmt.Errorf("change %s: %w", path, err)
	}
	_, _ = fmt.Fprintf(a.out, "Changed %s:\n", view.Plain(path))
	for _, line := range e.shown {
		_, _ = fmt.Fprintf(a.out, "  %s\n", view.Plain(line))
	}
	return nil
}

// next says what to do next.
func (a *app) next(text string) { _, _ = fmt.Fprintf(a.out, "Next: %s\n", text) }

// hasMeshPlugin reports whether a configuration has the entry already.
func hasMeshPlugin(cfg *config.Config) bool {
	for _, p := range cfg.Plugins {
		if p.Name == meshPlugin {
			return true
		}
	}
	return false
}

func newMeshLeaveCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "leave",
		Short: "Have this node belong to no mesh any more",
		Long: `Moves the node's record of the log of the mesh away, so that it begins alone the next time it
runs. The node has to be stopped. Nothing is deleted. The others still count it as a member until it is expelled:
run meshos ice expel-node on one of them.`,
		Example: "  meshos mesh leave",
		Args:    cobra.NoArgs,
	}
	output := addOutput(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		told := a.forPeople(*output)
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		dir := nodekey.Dir(cfg.Node.DataDir)
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return errors.New("this node belongs to no mesh: there is no " + dir)
		}
		unlock, err := datadir.Lock(cfg.Node.DataDir)
		if err != nil {
			return fmt.Errorf("stop the node first: %w", err)
		}
		defer func() { _ = unlock() }()
		to := dir + ".left-" + a.now().UTC().Format("20060102T150405Z")
		if err := os.Rename(dir, to); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(told.out, "Moved %s to %s\n", view.Plain(dir), view.Plain(to))
		told.next(fmt.Sprintf("take the entry of plugin %s out of %s, start the node, and on another node run `meshos ice expel-node %d`",
			meshPlugin, view.Plain(a.configPath()), cfg.Node.ID))
		return a.printDone(*output, meshDone{Cluster: cfg.Node.Cluster, Node: uint64(cfg.Node.ID), MovedTo: to})
	}
	return cmd
}

func newMeshStatusCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show how this node takes part in its mesh",
		Example: "  meshos mesh status\n  meshos mesh status -o json",
		Args:    cobra.NoArgs,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		s, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		if *output == outputJSON {
			return view.JSON(a.out, s.GetMesh(), false)
		}
		_, err = fmt.Fprint(a.out, a.printer(a.out).Mesh(s.GetMesh()))
		return err
	}
	return cmd
}

// openFor is how long a token is good unless something else is said.
const openFor = time.Hour
