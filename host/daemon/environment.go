package daemon

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/readfile"
)

const (
	// environmentEvery is how often it is looked whether the files have changed from which a
	// running daemon's environment was read.
	environmentEvery = 3 * time.Second
	// secretsKey is the file of the key below, beside the folders of the daemons.
	secretsKey = "secrets.key"
)

// fingerprint returns by what it is recognized later that variables which were read from
// files have changed; "" if there are none. A plain hash of a short secret can be guessed, so
// it takes a key that only this node has.
func (m *Manager) fingerprint(id mesh.DaemonID, vars map[string]string) string {
	if len(vars) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, m.secretsKey())
	put := func(text string) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		_, _ = mac.Write(append(size[:], text...))
	}
	put(strconv.FormatUint(uint64(id), 10))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		put(name)
		put(vars[name])
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// loadSecretsKey reads this node's key for fingerprints, or makes one. If it can't be kept,
// the fingerprints mean nothing to the next run of the node, which then takes them as changed.
func (m *Manager) loadSecretsKey() []byte {
	path := filepath.Join(m.opts.Dir, secretsKey)
	key, err := readfile.Read(path, sha256.Size)
	if err == nil && len(key) == sha256.Size {
		return key
	}
	key = make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(m.opts.Dir, 0o700); err == nil {
			next := path + ".next"
			if err = os.WriteFile(next, key, 0o600); err == nil {
				err = os.Rename(next, path)
			}
		}
	}
	if err != nil {
		m.opts.Log.Warn("the key for fingerprints of secrets could not be kept; after a restart of the node daemons with secrets are shown as outdated",
			"file", path, "error", err)
	}
	return key
}

// watchEnvironment publishes whether the files from which the daemon's environment was read
// have changed, until ctx ends.
func (r *run) watchEnvironment(ctx context.Context) {
	if r.fingerprint == "" {
		return
	}
	tick := time.NewTicker(environmentEvery)
	defer tick.Stop()
	for was := false; ; {
		if vars, err := r.spec.Sources.Read(); err == nil {
			changed := r.m.fingerprint(r.spec.Daemon.ID, vars) != r.fingerprint
			if changed != was && r.m.opts.Events.Publish(ctx, mesh.DaemonEnvironmentChanged{Daemon: r.ref(), Changed: changed}) == nil {
				if was = changed; changed {
					r.out.note(mesh.LevelWarn, "the files of its environment have changed; it takes them over with its next start")
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
