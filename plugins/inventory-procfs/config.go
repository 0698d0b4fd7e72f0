package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/meshos/meshos/pluginsdk"
)

// version is this plugin's, and the software version of a node that has no other.
const version = "1.0.0"

type config struct {
	Interval pluginsdk.Duration `json:"interval" default:"1s" min:"100ms" max:"1h" doc:"how often the machine is looked at"`
	Deadline pluginsdk.Duration `json:"deadline" default:"500ms" min:"10ms" max:"1m" doc:"a collector that takes longer is left out until it answers"`
	DiskPath string             `json:"disk_path" default:"/" doc:"disk space is that of the file system which holds this path"`
	Version  string             `json:"version" doc:"the node's software version; this plugin's if empty"`
	Tags     []string           `json:"tags" doc:"capabilities to add to those found"`
}

// Validate checks what the tags can't.
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
