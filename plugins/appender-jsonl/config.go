package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// config is the plugin's configuration; README.md describes it in a table.
type config struct {
	Dir       string             `json:"dir" doc:"folder of the files; relative to the plugin's data directory; empty: the data directory itself"`
	MaxSize   int64              `json:"max_size" default:"67108864" min:"4096" max:"1073741824" doc:"size in bytes at which a file is rotated"`
	MaxAge    pluginsdk.Duration `json:"max_age" default:"24h" min:"0s" doc:"age at which a file is rotated before the next record; 0s: never"`
	Keep      int                `json:"keep" default:"8" min:"1" max:"100000" doc:"how many rotated files of each chain are kept, except audit"`
	KeepAudit int                `json:"keep_audit" default:"0" min:"0" max:"100000" doc:"how many rotated files of audit are kept; 0: all"`
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	if age := time.Duration(c.MaxAge); age != 0 && age < time.Second {
		return fmt.Errorf("max_age: %s is less than a second; write 0s for never", c.MaxAge)
	}
	return nil
}

// folder returns the absolute path of the folder for the files.
func (c config) folder(dataDir string) (string, error) {
	if !filepath.IsAbs(c.Dir) && dataDir == "" {
		return "", errors.New("dir: is relative, and there is no data directory: write an absolute path")
	}
	if filepath.IsAbs(c.Dir) {
		return filepath.Clean(c.Dir), nil
	}
	return filepath.Join(dataDir, c.Dir), nil
}

func (c config) limits(chain string) limits {
	keep := c.Keep
	if chain == chainAudit {
		keep = c.KeepAudit
	}
	return limits{maxSize: c.MaxSize, maxAge: time.Duration(c.MaxAge), keep: keep}
}
