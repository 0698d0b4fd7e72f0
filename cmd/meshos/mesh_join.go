package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/ordered"
)

func newMeshJoinCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "join TOKEN",
		Short: "Have this node become a member of a mesh",
		Long: `Keeps the token, and writes the node's id, the cluster's id and the entry of the mesh plugin
into meshos.toml. The node joins the next time it starts: it shows the token and its own key
to a seed, and takes the log of the mesh from it. A token is good once.

A node whose records bear another id than that of the token is refused.

A stopped node that has the mesh's log already, under the same id, may join again: after it
was restored from a backup, which has no key, or was expelled, and with a token of
meshos mesh token --replace. Its record of the log is moved aside and fetched anew.`,
		Example: "  meshos mesh join meshos1.eyJ…\n  meshos mesh join --listen 10.0.0.2:7420 meshos1.eyJ…",
		Args:    cobra.ExactArgs(1),
	}
	listen := cmd.Flags().String("listen", "", "`ADDR` (host:port) on which a seed takes the links of others; only with a token that was made with --seed")
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		token, err := meshlog.ParseToken(args[0])
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		if token.Again {
			return &usageError{err: errors.New("this is not a token; make one with `meshos mesh token`"), help: cmd.CommandPath() + " --help"}
		}
		if token.Seed != (*listen != "") {
			why := "--listen: the token is not for a seed; make one with `meshos mesh token --seed`"
			if token.Seed {
				why = "the token is for a seed: name the address on which it takes the links of others, with --listen ADDR"
			}
			return &usageError{err: fmt.Errorf("%s", why), help: cmd.CommandPath() + " --help"}
		}
		done, err := a.forPeople(*output).joinMesh(token, *listen)
		if err != nil {
			return err
		}
		return a.printDone(*output, done)
	}
	return cmd
}

func (a *app) joinMesh(token meshlog.Token, listen string) (done meshDone, err error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return done, err
	}
	done = meshDone{Cluster: token.Cluster, Node: uint64(token.Node), Seed: token.Seed}
	again, err := rejoins(cfg, token)
	if err != nil {
		return done, err
	}
	if !again {
		if err := a.mayBelong(cfg); err != nil {
			return done, err
		}
	}
	if token.Expires.Before(a.now()) {
		return done, fmt.Errorf("the token was good until %s; make another one with `meshos mesh token`", token.Expires.In(a.zone).Format("2006-01-02 15:04:05"))
	}
	if cfg.Node.ID != token.Node {
		if what := bearsID(cfg); what != "" {
			return done, fmt.Errorf("the token makes this machine node %d, and %s bears the id %d: stop the node and its daemons and move %s away, "+
				"or make a token for this id with `meshos mesh token --id %d`", token.Node, what, cfg.Node.ID, cfg.Node.DataDir, cfg.Node.ID)
		}
	}
	if again {
		done.MovedTo, err = a.rejoinMesh(cfg, token, listen)
		return done, err
	}
	if _, err := nodekey.Open(cfg.Node.DataDir); err != nil {
		return done, err
	}
	text, err := os.ReadFile(a.configPath())
	if err != nil {
		return done, err
	}
	edit := editToml(string(text))
	if cfg.Node.Cluster != token.Cluster {
		edit.set("cluster", fmt.Sprintf("%q", token.Cluster))
	}
	if cfg.Node.ID != token.Node {
		edit.set("id", fmt.Sprint(token.Node))
	}
	seeds := token.Seeds
	if listen != "" {
		seeds = append(seeds[:len(seeds):len(seeds)], listen)
	}
	edit.add(pluginEntry(listen, seeds)...)
	if _, err := config.Parse(a.configPath(), edit.text()); err != nil {
		return done, err
	}
	if err := meshlog.StoreJoining(cfg.Node.DataDir, token); err != nil {
		return done, err
	}
	if err := a.writeConfig(a.configPath(), edit); err != nil {
		return done, err
	}
	_, _ = fmt.Fprintf(a.out, "This machine is to become node %d of mesh %s.\n", token.Node, view.Plain(token.Cluster))
	next := "start the node with `meshos run`, or restart it if it runs; `meshos mesh status` shows when it is a member"
	if listen != "" {
		next += fmt.Sprintf("; once all new seeds are members, name all seeds, %q too, in seeds of plugin %s on all nodes, and run `meshos reload` on one after the other", listen, meshPlugin)
	}
	a.next(next)
	return done, nil
}

// rejoins reports whether a node belongs already to the mesh of a token, under the same id.
func rejoins(cfg *config.Config, token meshlog.Token) (bool, error) {
	belongs, err := meshlog.Belongs(cfg.Node.DataDir)
	return belongs && hasMeshPlugin(cfg) && cfg.Node.ID == token.Node && cfg.Node.Cluster == token.Cluster, err
}

// rejoinMesh has a node that belongs to the mesh of a token become a member anew, and returns
// where its record was moved. Its configuration stays as it is.
func (a *app) rejoinMesh(cfg *config.Config, token meshlog.Token, listen string) (aside string, err error) {
	unlock, err := datadir.Lock(cfg.Node.DataDir)
	if err != nil {
		return "", fmt.Errorf("this node belongs to the mesh already; to join again, stop it first: %w", err)
	}
	defer func() { _ = unlock() }()
	if _, err := nodekey.Open(cfg.Node.DataDir); err != nil {
		return "", err
	}
	aside, err = meshlog.Rejoin(cfg.Node.DataDir, token, a.now())
	if err != nil {
		return "", err
	}
	if aside != "" {
		_, _ = fmt.Fprintf(a.out, "Moved this node's record of the log to %s.\n", view.Plain(aside))
	}
	_, _ = fmt.Fprintf(a.out, "This machine is to become node %d of mesh %s again; %s stays as it is.\n", token.Node, view.Plain(token.Cluster), view.Plain(a.configPath()))
	if listen != "" {
		a.note("--listen: what the configuration says of the plugin " + meshPlugin + " counts")
	}
	a.next("start the node; `meshos mesh status` shows when it is a member")
	return aside, nil
}

// bearsID returns what a node of another id left in the data directory; "" for nothing.
func bearsID(cfg *config.Config) string {
	for _, name := range []string{"records", ordered.Folder, "daemons"} {
		entries, _ := os.ReadDir(filepath.Join(cfg.Node.DataDir, name))
		for _, e := range entries {
			if inside, err := os.ReadDir(filepath.Join(cfg.Node.DataDir, name, e.Name())); err != nil || len(inside) > 0 {
				return filepath.Join(cfg.Node.DataDir, name)
			}
		}
	}
	return ""
}
