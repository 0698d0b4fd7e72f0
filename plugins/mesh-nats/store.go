package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// aside is what the name of a store ends with that is not used any more.
const aside = ".aside"

// storeDir returns the folder of the store. That of a seed that was alone does not go into a
// cluster, nor the other way round: it is set aside, and the log is filled up from the records.
func (h *hub) storeDir() (string, error) {
	use, other := filepath.Join(h.hubDir(), "alone"), filepath.Join(h.hubDir(), "cluster")
	if len(h.cfg.Seeds) > 1 {
		use, other = other, use
	}
	if h.outvoted.Swap(false) {
		if err := setAside(use); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(use, 0o700); err != nil {
		return "", fmt.Errorf("the seed's store: %w", err)
	}
	if _, err := os.Stat(other); err != nil {
		return use, nil
	}
	if err := setAside(other); err != nil {
		return "", err
	}
	h.log.Info("the number of seeds has changed; the log is filled up again from the nodes' records", "former store", other+aside)
	return use, nil
}

// setAside moves a store away; only the last one is kept.
func setAside(dir string) error {
	if err := errors.Join(os.RemoveAll(dir+aside), os.Rename(dir, dir+aside)); err != nil {
		return fmt.Errorf("set the seed's former store aside: %w", err)
	}
	return nil
}

// isEmpty reports whether a folder has nothing in it.
func isEmpty(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return len(entries) == 0, err
}
