package meshlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/internal/readfile"
)

// Peers keeps what is known of other members in a data directory, beside the record. It is the
// data directory's path.
type Peers string

const (
	peersName   = "peers"
	peersMost   = 64 << 20 // bytes of the file
	peersWithin = 10 * time.Second
)

// peerJSON is a member as the file has it.
type peerJSON struct {
	ID      uint64      `json:"id"`
	Name    string      `json:"name,omitempty"`
	Address string      `json:"address,omitempty"`
	Health  string      `json:"health,omitempty"`
	Labels  []labelJSON `json:"labels,omitempty"`
}

type labelJSON struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (p Peers) path() string { return filepath.Join(nodekey.Dir(string(p)), peersName) }

// Recall implements meshlink.Keeper.
func (p Peers) Recall() ([]mesh.KeptMember, error) {
	raw, err := readfile.Read(p.path(), peersMost)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	var in []peerJSON
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("%s is damaged, and is written anew: %w", p.path(), err)
	}
	var out []mesh.KeptMember
	for _, m := range in {
		one := mesh.KeptMember{ID: mesh.NodeID(m.ID), Name: m.Name, Address: m.Address, Health: m.Health}
		for _, l := range m.Labels {
			one.Labels = append(one.Labels, mesh.Label(l))
		}
		out = append(out, one)
	}
	return out, nil
}

// Keep implements meshlink.Keeper. It gives up a disk that does not answer.
func (p Peers) Keep(ctx context.Context, members []mesh.KeptMember) error {
	list := make([]peerJSON, 0, len(members))
	for _, m := range members {
		one := peerJSON{ID: uint64(m.ID), Name: m.Name, Address: m.Address, Health: m.Health}
		for _, l := range m.Labels {
			one.Labels = append(one.Labels, labelJSON(l))
		}
		list = append(list, one)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("keep the members: %w", err)
	}
	_, err = readfile.DoContext(ctx, p.path(), peersWithin, func() (struct{}, error) { return struct{}{}, p.store(raw) })
	if err != nil {
		return fmt.Errorf("keep the members: %w", err)
	}
	return nil
}

func (p Peers) store(raw []byte) error {
	dir := nodekey.Dir(string(p))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := renameio.WriteFile(p.path(), raw, 0o600, renameio.WithTempDir(dir)); err != nil {
		return err
	}
	return syncDir(dir)
}
