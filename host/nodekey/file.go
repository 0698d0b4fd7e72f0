package nodekey

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/meshos/meshos/internal/readfile"
)

const (
	fileName = "node.key"
	pemType  = "PRIVATE KEY" // PKCS #8, as other programs write and read it
	maxFile  = 64 << 10
)

// Dir returns the folder of what a node keeps for its mesh.
func Dir(dataDir string) string { return filepath.Join(dataDir, "mesh") }

// Path returns the file of the key.
func Path(dataDir string) string { return filepath.Join(Dir(dataDir), fileName) }

// Open returns the key of the node with this data directory, and makes one if there is none.
// Of two that make one at once both get the same. A file that others may read, or that is
// damaged, is an error: nothing is drawn in its place, since the other nodes know the key.
func Open(dataDir string) (*Key, error) {
	k, err := Read(dataDir)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = newKey(); err != nil {
		return nil, err
	}
	if err := k.store(dataDir); errors.Is(err, fs.ErrExist) {
		return Read(dataDir) // somebody was faster
	} else if err != nil {
		return nil, fmt.Errorf("the node's key %s: %w", Path(dataDir), err)
	}
	return k, nil
}

// Read is Open, but its error is fs.ErrNotExist if there is no key.
func Read(dataDir string) (*Key, error) {
	path := Path(dataDir)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("the node's key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &ExposedError{Path: path, Mode: info.Mode().Perm()}
	}
	text, err := readfile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("the node's key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, &DamagedError{Path: path}
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, &DamagedError{Path: path}
	}
	return &Key{private}, nil
}

// store writes the key to a file that must not exist yet, and returns once it is on disk.
func (k *Key) store(dataDir string) error {
	encoded, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return err
	}
	dir := Dir(dataDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(dir, "."+fileName+"-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if err := errors.Join(pem.Encode(temporary, &pem.Block{Type: pemType, Bytes: encoded}), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), Path(dataDir)); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ExposedError means that others than the node's user may read or change its key.
type ExposedError struct {
	Path string
	Mode fs.FileMode
}

// Error implements error.
func (e *ExposedError) Error() string {
	return fmt.Sprintf("the node's key %s has mode %04o, so that others than its owner may use it; "+
		"run chmod 600 %[1]s, and if anybody may have read it, remove it and admit this node anew (meshos mesh token --replace)", e.Path, e.Mode)
}

// DamagedError means that the file of the key holds no key.
type DamagedError struct{ Path string }

// Error implements error.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the node's key %s is damaged: it is not an ed25519 key in PEM (PKCS #8); "+
		"restore it, or remove it and admit this node anew (meshos mesh token --replace)", e.Path)
}
