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
)

// tryEvery is how long to wait before a command is tried again that the mesh does not take yet.
const tryEvery = 100 * time.Millisecond

// Found makes a mesh of nodes as an operator does, with `meshos mesh init`, `token` and `join`:
// it begins one with the first node, and has each other one join with a token. The first ones
// are seeds. Then all of them run. Without ids it is all nodes.
func (l *Lab) Found(ctx context.Context, seeds int, ids ...int) error {
	nodes := l.nodes
	if len(ids) > 0 {
		nodes = nil
		for _, id := range ids {
			nodes = append(nodes, l.Node(id))
		}
	}
	first := nodes[0]
	if _, err := first.Run(ctx, "mesh", "init", "--listen", first.Listen()); err != nil {
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

// chainKinds has the mesh plugin carry out what is decided about chains, and say who holds them.
const chainKinds = `kinds = ["mesh", "health_probe", "actuator", "event_source", "migration_source", "migration_aborter"]`

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
		if l.Chains && n.ID <= seeds && !bytes.Contains(text, []byte("chains = true")) {
			keys, err := n.chainKeys()
			if err != nil {
				return err
			}
			changed = bytes.Replace(changed, []byte(line), []byte(line+"\n"+keys), 1)
			changed = bytes.Replace(changed, []byte("[plugin.config]"), []byte(chainKinds+"\n[plugin.config]"), 1)
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

// Join makes a token at a node of the mesh, with which another one joins and starts. It returns
// once that is a member.
func (l *Lab) Join(ctx context.Context, at, n *Node, seed bool) error {
	token, err := at.Token(ctx, n.ID, seed)
	if err != nil {
		return err
	}
	if err := n.Use(ctx, token, seed); err != nil {
		return err
	}
	if err := n.Start(); err != nil {
		return err
	}
	return n.isMember(ctx)
}

// Token makes a token for another node. It tries until the log takes that.
func (n *Node) Token(ctx context.Context, id int, seed bool) (token string, err error) {
	args := []string{"mesh", "token", "--yes", "--id", strconv.Itoa(id)}
	if seed {
		args = append(args, "--seed")
	}
	err = retry(ctx, func() (err error) {
		token, err = n.Run(ctx, args...)
		return err
	})
	return strings.TrimSpace(token), err
}

// Use has a node that does not run join with a token when it starts.
func (n *Node) Use(ctx context.Context, token string, seed bool) error {
	args := []string{"mesh", "join", token}
	if seed {
		args = append(args, "--listen", n.Listen())
	}
	_, err := n.Run(ctx, args...)
	return err
}

// isMember waits until the node says that it is a member.
func (n *Node) isMember(ctx context.Context) error {
	return retry(ctx, func() error {
		out, err := n.Run(ctx, "mesh", "status", "-o", "json")
		if err != nil {
			return err
		}
		var said struct {
			Member  bool   `json:"member"`
			Joining string `json:"joining"`
		}
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			return err
		}
		if !said.Member {
			return fmt.Errorf("%s is no member of the mesh yet: %s", n.Name, said.Joining)
		}
		return nil
	})
}

// Ready waits until all nodes have sessions of all others, and a log that takes orders.
func (l *Lab) Ready(ctx context.Context) error {
	for _, n := range l.nodes {
		err := retry(ctx, func() error {
			out, err := n.Run(ctx, "mesh", "status", "-o", "json")
			if err != nil {
				return err
			}
			var said struct {
				Heard int `json:"heard"`
				Link  struct {
					Quorum bool `json:"quorum"`
				} `json:"link"`
			}
			if err := json.Unmarshal([]byte(out), &said); err != nil {
				return err
			}
			if said.Heard < len(l.nodes)-1 || !said.Link.Quorum {
				return fmt.Errorf("%s has sessions of %d others; the log takes orders: %v", n.Name, said.Heard, said.Link.Quorum)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// retry calls a function until it returns no error, or ctx ends.
func retry(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(tryEvery):
		}
	}
}
