package host

import (
	"sync"

	"github.com/meshos/meshos/host/nodekey"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// nodeKey is the node's own key, which is made at first need.
type nodeKey struct {
	mu  sync.Mutex
	key *nodekey.Key
}

// get returns the key. After an error the next call tries again: the file may be mended.
func (k *nodeKey) get(dataDir string) (*nodekey.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil {
		return k.key, nil
	}
	key, err := nodekey.Open(dataDir)
	if err != nil {
		return nil, err
	}
	k.key = key
	return key, nil
}

// meshIdentity returns what a mesh plugin gets of this node's keys.
func (n *node) meshIdentity() (*pluginv1.MeshIdentity, error) {
	key, err := n.key.get(n.cfg.Node.DataDir)
	if err != nil {
		return nil, err
	}
	seed, err := key.LinkSeed()
	if err != nil {
		return nil, err
	}
	return &pluginv1.MeshIdentity{LinkSeed: seed, Incarnation: n.epoch, Name: n.cfg.Node.Name}, nil
}
