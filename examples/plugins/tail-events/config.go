package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/meshos/meshos/pluginsdk"
)

// config is the plugin's configuration; README.md tells it as a table.
type config struct {
	Path     string             `json:"path" required:"true" doc:"the file to follow, with its absolute path"`
	From     string             `json:"from" default:"begin" enum:"begin,end" doc:"where to begin in a file that was not read before"`
	Remember bool               `json:"remember" default:"true" doc:"go on where the last process was; false: begin anew with each process"`
	Poll     pluginsdk.Duration `json:"poll" default:"250ms" min:"1ms" max:"1m" doc:"how often to look for more"`
	Settle   pluginsdk.Duration `json:"settle" default:"1s" min:"0s" max:"1m" doc:"how long ago a line was sent before it counts as heard"`
}

// Validate checks what tags can't say.
func (c config) Validate() error {
	if c.Path == "" {
		return errors.New("path: must name a file")
	}
	if !filepath.IsAbs(c.Path) {
		return fmt.Errorf("path: %s is not absolute, and a plugin has no folder that it could count from", c.Path)
	}
	return nil
}
