package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/meshos/meshos/pluginsdk"
)

// config is the plugin's configuration; README.md describes it in a table.
type config struct {
	Path     string             `json:"path" required:"true" doc:"absolute path of the file to follow"`
	From     string             `json:"from" default:"begin" enum:"begin,end" doc:"where to begin in a file that was not read before"`
	Remember bool               `json:"remember" default:"true" doc:"continue where the last process was; false: each process begins anew"`
	Poll     pluginsdk.Duration `json:"poll" default:"250ms" min:"1ms" max:"1m" doc:"how often to check for new lines"`
	Settle   pluginsdk.Duration `json:"settle" default:"1s" min:"0s" max:"1m" doc:"how long after it was sent a line counts as received"`
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	if c.Path == "" {
		return errors.New("path: must name a file")
	}
	if !filepath.IsAbs(c.Path) {
		return fmt.Errorf("path: %s is not an absolute path", c.Path)
	}
	return nil
}
