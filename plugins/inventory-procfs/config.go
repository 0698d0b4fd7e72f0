package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// version is the version of this plugin, and part of a node's default software version.
const version = "1.0.0"

type config struct {
	Interval         pluginsdk.Duration `json:"interval" default:"1s" min:"100ms" max:"1h" doc:"how often the facts are collected"`
	Deadline         pluginsdk.Duration `json:"deadline" default:"500ms" min:"10ms" max:"1m" doc:"the others do not wait longer for a collector"`
	HardwareInterval pluginsdk.Duration `json:"hardware_interval" default:"10s" min:"100ms" max:"1h" doc:"how often temperatures, network links and GPUs are read"`
	DiskPaths        []string           `json:"disk_paths" doc:"absolute paths in the file systems whose space is reported, beside that of the node's data folder; default /"`
	DiskPath         string             `json:"disk_path" doc:"one more of disk_paths"`
	Version          string             `json:"version" doc:"the node's software version; empty: the version of this plugin"`
	Tags             []string           `json:"tags" doc:"further capabilities of this node"`
}

// paths returns the paths whose file systems are watched.
func (c config) paths() []string {
	var out []string
	for _, p := range append(slices.Clone(c.DiskPaths), c.DiskPath) {
		if p = filepath.Clean(p); p != "." && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		out = []string{"/"}
	}
	return out
}

// slowest is the longest interval whose facts are well within the host's default of
// sample_ttl.
const slowest = 30 * time.Second

// warnings returns what an operator should know of a configuration that is valid.
func (c config) warnings() []string {
	var out []string
	for _, key := range []struct {
		name  string
		every pluginsdk.Duration
	}{{"interval", c.Interval}, {"hardware_interval", c.HardwareInterval}} {
		if d := time.Duration(key.every); d > slowest {
			out = append(out, fmt.Sprintf("%s: the node drops facts that are older than its loop.sample_ttl (60 s unless it is set): every %v may be too seldom", key.name, d))
		}
	}
	return out
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	var errs []error
	if c.DiskPath != "" && !filepath.IsAbs(c.DiskPath) {
		errs = append(errs, fmt.Errorf("disk_path: %q is not an absolute path", c.DiskPath))
	}
	for i, p := range c.DiskPaths {
		if !filepath.IsAbs(p) {
			errs = append(errs, fmt.Errorf("disk_paths[%d]: %q is not an absolute path", i, p))
		}
	}
	for i, t := range c.Tags {
		if strings.TrimSpace(t) == "" {
			errs = append(errs, fmt.Errorf("tags[%d]: is empty; leave it out", i))
		}
	}
	return errors.Join(errs...)
}
