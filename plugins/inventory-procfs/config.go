package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/meshos/meshos/pluginsdk"
)

// version is the version of this plugin, and part of a node's default software version.
const version = "1.0.0"

type config struct {
	Interval pluginsdk.Duration `json:"interval" default:"1s" min:"100ms" max:"1h" doc:"how often the facts are collected"`
	Deadline pluginsdk.Duration `json:"deadline" default:"500ms" min:"10ms" max:"1m" doc:"the others do not wait longer for a collector"`
	DiskPath string             `json:"disk_path" default:"/" doc:"a path in the file system whose disk space is reported"`
	Version  string             `json:"version" doc:"the node's software version; empty: the version of this plugin"`
	Tags     []string           `json:"tags" doc:"further capabilities of this node"`
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	var errs []error
	if !filepath.IsAbs(c.DiskPath) {
		errs = append(errs, fmt.Errorf("disk_path: %q is not an absolute path", c.DiskPath))
	}
	for i, t := range c.Tags {
		if strings.TrimSpace(t) == "" {
			errs = append(errs, fmt.Errorf("tags[%d]: is empty; leave it out", i))
		}
	}
	return errors.Join(errs...)
}
