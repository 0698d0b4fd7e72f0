package meshlab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Found makes a mesh of nodes: it founds one on the first, and has each other one join with
// a token. The first ones are seeds. Then all of them run. Without ids it is all nodes.
func (l *Lab) Found(ctx context.Context, seeds int, ids ...int) error {
	nodes := l.nodes
	if len(ids) > 0 {
		nodes = nil
		for _, id := range ids {
			nodes = append(nodes, l.Node(id))
		}
	}
	first := nodes[0]
	if err := first.found(); err != nil {
		return err
	}
	if err := first.Start(); err != nil {
		return err
	}
	for _, n := range nodes[1:] {
		if err := l.Join(ctx, first, n, n.ID <= seeds); err != nil {
			return err
		}
	}
	if seeds < 2 {
		return nil
	}
	return l.SetSeeds(seeds)
}

var seedsLine = regexp.MustCompile(`(?m)^seeds *= *\[.*\]$`)

// SetSeeds makes the first nodes the seeds: it writes their list into the configurations of all
// nodes, and starts those that run again. They have to be members, with tokens for seeds.
func (l *Lab) SetSeeds(seeds int) error {
	var list []string
	for _, n := range l.nodes[:seeds] {
		list = append(list, strconv.Quote(n.Listen()))
	}
	line := "seeds = [" + strings.Join(list, ", ") + "]"
	for _, n := range l.nodes {
		text, err := os.ReadFile(n.Config())
		if err != nil {
			return err
		}
		changed := seedsLine.ReplaceAllLiteral(text, []byte(line))
		if listen := fmt.Sprintf("listen = %q\n", n.Listen()); n.ID <= seeds && !bytes.Contains(text, []byte(listen)) {
			changed = bytes.Replace(changed, []byte(line), []byte(listen+line), 1)
		}
		if bytes.Equal(changed, text) {
			continue
		}
		if err := os.WriteFile(n.Config(), changed, 0o600); err != nil {
			return err
		}
		if !n.Running() {
			continue
		}
		if err := n.Stop(); err != nil {
			return err
		}
		if err := n.Start(); err != nil {
			return err
		}
	}
	return nil
}

// Join makes a token at a node of the mesh, with which another one joins and starts.
func (l *Lab) Join(ctx context.Context, at, n *Node, seed bool) error {
	token, err := at.Token(ctx, mesh.NodeID(n.ID), seed)
	if err != nil {
		return err
	}
	if err := n.Use(token); err != nil {
		return err
	}
	if err := n.Start(); err != nil {
		return err
	}
	return n.isMember(ctx)
}

// isMember waits until the node says that it is a member.
func (n *Node) isMember(ctx context.Context) error {
	for {
		out, err := n.Run(ctx, "status", "-o", "json")
		var said struct {
			Mesh struct {
				Member  bool   `json:"member"`
				Joining string `json:"joining"`
			} `json:"mesh"`
		}
		if err == nil {
			err = json.Unmarshal([]byte(out), &said)
		}
		if err == nil && said.Mesh.Member {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is no member of the mesh yet: %s: %w", n.Name, said.Mesh.Joining, errors.Join(err, ctx.Err()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
