package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/internal/readfile"
)

func newMeshInitCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Begin a mesh with this node",
		Long: `Begins the log of a mesh, with this node as its first member and seed. The operators of its
configuration become those of the mesh. Writes the cluster's id, which is drawn at random,
and the entry of the mesh plugin into meshos.toml. Entries [[chain]] with a stream become chains
of the mesh, without a signature.

The node begins with it the next time it starts. What was ordered of it alone so far is over
then: its log names what that was.`,
		Example: "  meshos mesh init --listen 10.0.0.1:7420",
		Args:    cobra.NoArgs,
	}
	listen := cmd.Flags().String("listen", "", "`ADDR` (host:port) on which this node takes the links of others; seeds also use the port after it")
	name := cmd.Flags().String("name", "", "the `NAME` of this node in the mesh (default: node.name of the configuration)")
	_ = cmd.MarkFlagRequired("listen")
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if _, _, err := net.SplitHostPort(*listen); err != nil {
			return &usageError{err: fmt.Errorf("--listen: want host:port, such as 10.0.0.1:7420: %w", err), help: cmd.CommandPath() + " --help"}
		}
		done, err := a.forPeople(*output).initMesh(*listen, *name)
		if err != nil {
			return err
		}
		return a.printDone(*output, done)
	}
	return cmd
}

func (a *app) initMesh(listen, name string) (meshDone, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return meshDone{}, err
	}
	if err := a.mayBelong(cfg); err != nil {
		return meshDone{}, err
	}
	raw := make([]byte, 6)
	if _, err := rand.Read(raw); err != nil {
		return meshDone{}, err
	}
	cluster := "mesh-" + hex.EncodeToString(raw)
	set, err := signersOf(cfg)
	if err != nil {
		return meshDone{}, err
	}
	key, err := nodekey.Open(cfg.Node.DataDir)
	if err != nil {
		return meshDone{}, err
	}
	if name == "" {
		name = cfg.Node.Name
	}
	text, err := os.ReadFile(a.configPath())
	if err != nil {
		return meshDone{}, err
	}
	edit := editToml(string(text))
	edit.set("cluster", fmt.Sprintf("%q", cluster))
	edit.add(pluginEntry(listen, []string{listen})...)
	if _, err := config.Parse(a.configPath(), edit.text()); err != nil {
		return meshDone{}, err
	}
	founding, err := meshlog.Found(cfg.Node.DataDir, meshlog.Founding{
		Cluster: cluster, Node: cfg.Node.ID, Name: name, Signers: set,
		Policy: rules.Policy{Freshness: cfg.Operators.Freshness, Cooldown: cfg.Operators.Cooldown}, Chains: cfg.Streams(),
	}, ownKey{key}, a.now())
	if err != nil {
		return meshDone{}, err
	}
	if err := a.writeConfig(a.configPath(), edit); err != nil {
		return meshDone{}, err
	}
	_, _ = fmt.Fprintf(a.out, "Node %d (%s) is the first member of mesh %s, which begins with %s.\n", cfg.Node.ID, view.Plain(name), cluster, founding)
	if n := len(cfg.Streams()); n > 0 {
		_, _ = fmt.Fprintf(a.out, "%s of its configuration became chains of the mesh; from now on `meshos chain` changes them, and their entries can be taken out.\n", view.Counted(n, "[[chain]] entry"))
	}
	a.next("start the node with `meshos run`, or restart it if it runs; then `meshos mesh token` makes a token for another machine")
	return meshDone{Cluster: cluster, Node: uint64(cfg.Node.ID), Name: name, Seed: true, Founding: founding.String()}, nil
}

// mayBelong returns why a node can't become a member of a mesh now.
func (a *app) mayBelong(cfg *config.Config) error {
	if belongs, err := meshlog.Belongs(cfg.Node.DataDir); err != nil {
		return err
	} else if belongs {
		return meshlog.ErrMember
	}
	if hasMeshPlugin(cfg) {
		return fmt.Errorf("%s has an entry of plugin %s already: take it out, and run this again", a.configPath(), meshPlugin)
	}
	return nil
}

// withoutZone finds times of an allowed_signers file that are meant in the zone of the machine.
var withoutZone = regexp.MustCompile(`(?i)valid-(?:after|before)="(\d{8,14})"`)

// signersOf returns who commands a node, for the log of a mesh.
func signersOf(cfg *config.Config) (mesh.SetSigners, error) {
	o := cfg.Operators
	out := mesh.SetSigners{NeedOrdinary: uint32(o.Ordinary), NeedBreakGlass: uint32(o.BreakGlass), NeedThaw: uint32(o.Thaw)}
	if o.Signers == "" {
		return mesh.SetSigners{}, nil
	}
	raw, err := readfile.Read(o.Signers, rules.MaxPayload/2)
	if err != nil {
		return out, err
	}
	if found := withoutZone.FindStringSubmatch(string(raw)); found != nil {
		return out, fmt.Errorf("%s: the time %q is meant in this machine's zone, and the file is to mean the same on all machines: write the Z, as in %sZ", o.Signers, found[1], found[1])
	}
	out.AllowedSigners = string(raw)
	if strings.TrimSpace(out.AllowedSigners) == "" {
		return out, errors.New(o.Signers + " names nobody, so nobody could command the mesh")
	}
	return out, nil
}
