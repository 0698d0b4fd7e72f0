package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// config is the plugin's configuration; README.md describes it in a table.
type config struct {
	Commands map[string][]string `json:"commands" required:"true" min:"1" doc:"program and arguments for each kind of action"`
	Dir      string              `json:"dir" doc:"working directory of the commands; empty: the plugin's data directory"`
	Env      map[string]string   `json:"env" doc:"environment of the commands, beside PATH and the variables of the action"`
	Timeout  pluginsdk.Duration  `json:"timeout" default:"0s" min:"0s" doc:"how long a command may take; 0s: as long as the node waits for the action"`
	Grace    pluginsdk.Duration  `json:"grace" default:"2s" min:"0s" max:"1m" doc:"from SIGTERM to SIGKILL when the time is over"`
	Retry    pluginsdk.Duration  `json:"retry" default:"5s" min:"1ms" doc:"how long after a command ended with status 75 its action is tried again"`
	Events   bool                `json:"events" doc:"whether lines of standard output that begin with { are events for the node"`
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	var wrong []error
	known := kinds()
	for _, kind := range slices.Sorted(maps.Keys(c.Commands)) {
		command := c.Commands[kind]
		switch {
		case !slices.Contains(known, kind):
			wrong = append(wrong, fmt.Errorf("commands.%s: is not a kind of action; the kinds are %s", kind, strings.Join(known, ", ")))
		case len(command) == 0 || command[0] == "":
			wrong = append(wrong, fmt.Errorf("commands.%s: names no program", kind))
		}
	}
	for name := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			wrong = append(wrong, fmt.Errorf("env: %q can't be the name of a variable", name))
		}
	}
	return errors.Join(wrong...)
}

// kinds returns the names of all kinds of action in the contract.
func kinds() []string {
	var names []string
	fields := (&meshosv1.Action{}).ProtoReflect().Descriptor().Oneofs().ByName("kind").Fields()
	for i := range fields.Len() {
		names = append(names, string(fields.Get(i).Name()))
	}
	return names
}
