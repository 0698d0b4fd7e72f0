package meshlab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/meshos/meshos/internal/netlab"
)

// names are those of the nodes.
var names = [...]string{"alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"}

// port is the one on which seeds listen. They use the one after it, too.
const port = 7420

// Lab is some nodes of which none runs yet, and the network between them.
type Lab struct {
	Net *netlab.Switch // nil: all have addresses of loopback
	// Chains has the seeds hold chains, where there are three or more, and programs use them.
	Chains bool
	nodes  []*Node
}

// New prepares n nodes, 8 at most, in a folder: a folder and a configuration each, which ends
// with the lines of more. bin is the folder with the binaries. Namespaces need root.
func New(bin, dir string, n int, namespaces bool, more ...string) (*Lab, error) {
	l := &Lab{}
	if namespaces {
		var err error
		if l.Net, err = netlab.NewSwitch(n); err != nil {
			return nil, err
		}
	}
	for i := 1; i <= n; i++ {
		node := &Node{ID: i, Name: names[i-1], Dir: filepath.Join(dir, names[i-1]), IP: fmt.Sprintf("127.0.78.%d", i), Bin: bin}
		if l.Net != nil {
			node.host = l.Net.Host(i)
			node.IP = node.host.Address.String()
		}
		node.more = more
		if err := node.prepare(); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.nodes = append(l.nodes, node)
	}
	return l, nil
}

// Node returns a node, from 1 on.
func (l *Lab) Node(i int) *Node { return l.nodes[i-1] }

// Nodes returns all nodes.
func (l *Lab) Nodes() []*Node { return l.nodes }

// Close ends the nodes that run, and takes the network down. What they wrote stays.
func (l *Lab) Close() error {
	var errs []error
	for _, n := range l.nodes {
		n.Ask()
	}
	for _, n := range l.nodes {
		errs = append(errs, n.Stop())
	}
	if l.Net != nil {
		errs = append(errs, l.Net.Close())
	}
	return errors.Join(errs...)
}

// Reset makes a node that does not run new: it removes all that it has.
func (l *Lab) Reset(i int) error {
	n := l.Node(i)
	if err := os.RemoveAll(n.Dir); err != nil {
		return err
	}
	return n.prepare()
}

func (n *Node) prepare() error {
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf(`[node]
id = %d
name = %q
listen = "%s:7878"

[plugins]
dir = %q

[[plugin]]
name = "inventory-procfs"

%s
`, n.ID, n.Name, n.IP, filepath.Join(n.Bin, "plugins"), strings.Join(n.more, "\n"))
	return os.WriteFile(n.Config(), []byte(text), 0o600)
}
