package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlog"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newMeshTokenCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make a token with which another machine becomes a member, once",
		Long: `Orders in the log of the mesh that whoever has the token becomes a member, as an operator's
command like any other, and prints the token. It is good once, and for an hour unless --ttl
says otherwise. With --propose the token is printed at once, and is good once the proposal
is committed. It holds a secret: hand it on as you would hand on a password. To take it
back, run meshos ice expel-node with its id.`,
		Example: `  meshos mesh token
  meshos mesh token --seed --ttl 15m
  meshos mesh token --chains         # see docs/chains.md
  meshos mesh token --replace 3      # a new machine under the id of an old one`,
		Args: cobra.NoArgs,
	}
	ttl := cmd.Flags().Duration("ttl", openFor, "how long the token is good")
	seed := cmd.Flags().Bool("seed", false, "the machine is to carry the log")
	chains := cmd.Flags().Bool("chains", false, "the machine may hold chains, as seeds may; it becomes a full member of their cluster")
	id := cmd.Flags().Uint64("id", 0, "the `ID` of the machine (default: the next one)")
	replace := cmd.Flags().Uint64("replace", 0, "the machine takes the place of the member with this `ID`")
	seeds := cmd.Flags().StringSlice("seeds", nil, "the `ADDR`esses of the seeds (default: those that this node's configuration names)")
	cmd.MarkFlagsMutuallyExclusive("id", "replace")
	f := addMeshFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *ttl <= 0 {
			return &usageError{err: fmt.Errorf("--ttl: must be more than 0, is %v", *ttl), help: cmd.CommandPath() + " --help"}
		}
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		token := meshlog.Token{Seed: *seed, Seeds: *seeds, Key: private.Seed(), Expires: a.now().Add(*ttl).UTC().Truncate(time.Second)}
		if len(token.Seeds) == 0 {
			if token.Seeds, err = a.configuredSeeds(); err != nil {
				return err
			}
		}
		out := a.out
		a.out = a.err // on standard output is the token, and nothing else
		if *f.output == outputJSON && !f.dryRun {
			a.out = io.Discard // it has the record, too
		}
		f.then = func(_ context.Context, _ *nodeClient, record *meshosv1.AdminAuditRecord) error {
			return a.sayToken(out, token, record, *f.output)
		}
		err = a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			m := s.GetMesh()
			if m.GetHeight() == 0 {
				return nil, errors.New("this node belongs to no mesh; `meshos mesh init` begins one")
			}
			node := max(*id, *replace)
			if node == 0 {
				node = m.GetNextId()
			}
			token.Node, token.Cluster, token.Pins = mesh.NodeID(node), m.GetClusterId(), m.GetSeedPins()
			copy(token.Founding[:], m.GetFounding())
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_AdmitNode{AdmitNode: &meshosv1.AdmitNode{
				Node: node, TokenKey: public, TokenExpires: timestamppb.New(token.Expires), Seed: *seed, Chains: *chains, Replace: *replace != 0,
			}}}, nil
		})
		if err == nil && f.propose != "" {
			a.note("the token is good once the proposal is signed and committed")
			return a.sayToken(out, token, nil, *f.output)
		}
		return err
	}
	return cmd
}

// sayToken prints a token, and what to do with it. Without a record it was not ordered yet.
func (a *app) sayToken(out io.Writer, token meshlog.Token, record *meshosv1.AdminAuditRecord, output outputFlag) error {
	text, err := token.Text()
	if err != nil {
		return err
	}
	listen := ""
	if token.Seed {
		listen = "--listen ADDR "
	}
	a.note(fmt.Sprintf("on the machine that is to become node %d run: meshos mesh join %sTOKEN", token.Node, listen))
	if output == outputTable {
		_, err = fmt.Fprintln(out, text)
		return err
	}
	said := struct {
		Token   string          `json:"token"`
		Node    uint64          `json:"node,string"`
		Seed    bool            `json:"seed"`
		Cluster string          `json:"cluster"`
		Seeds   []string        `json:"seeds"`
		Expires time.Time       `json:"expires"`
		Record  json.RawMessage `json:"record,omitempty"` // the AdminAuditRecord of the order
	}{Token: text, Node: uint64(token.Node), Seed: token.Seed, Cluster: token.Cluster, Seeds: token.Seeds, Expires: token.Expires}
	if record != nil {
		if said.Record, err = view.MarshalJSON(record); err != nil {
			return fmt.Errorf("print as JSON: %w", err)
		}
	}
	return json.NewEncoder(out).Encode(said)
}

// configuredSeeds returns the seeds that the configuration of this node names.
func (a *app) configuredSeeds() ([]string, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	for _, p := range cfg.Plugins {
		if p.Name != meshPlugin {
			continue
		}
		var out []string
		list, _ := p.Config["seeds"].([]any)
		for _, s := range list {
			if text, is := s.(string); is {
				out = append(out, text)
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s does not name the seeds of a mesh; name them with --seeds", a.configPath())
}
