package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/plaintext"
	"github.com/meshos/meshos/internal/readfile"
)

const (
	// pluginWithin is how long one plugin may take to be read and to describe itself.
	pluginWithin = 10 * time.Second
	// pluginsAtOnce bounds how many are asked at once.
	pluginsAtOnce = 8
	// kindMesh is the kind of plugins that link a node with others.
	kindMesh = "mesh"
	// maxDescription bounds what a plugin may print about itself, in bytes.
	maxDescription = 4 << 20
)

// validatePlugins checks the enabled plugins of a configuration against their binaries: the
// checksum, and the keys of [plugin.config] by what the binary says of itself. A binary with
// a wrong checksum is not executed. It checks too that a plugin is there for the health
// target of each peer.
func validatePlugins(ctx context.Context, cfg *config.Config) (faults, warnings []config.Problem) {
	line := config.Lines(cfg.File)
	targets := slices.ContainsFunc(cfg.Peers, func(p config.Peer) bool { return p.Health != "" })
	all := make([]pluginCheck, len(cfg.Plugins))
	spawner := process.NewSpawner() // it does not wait for a file that hangs
	defer spawner.Close()
	slots := make(chan struct{}, pluginsAtOnce)
	var checked sync.WaitGroup
	for i, p := range cfg.Plugins {
		if !p.Enabled {
			continue
		}
		slots <- struct{}{}
		checked.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, pluginWithin)
			defer cancel()
			c := pluginCheck{file: cfg.File, plugin: p, line: func(keys ...string) int { return line("plugin", i, keys...) }, targets: targets}
			c.check(ctx, spawner)
			all[i] = c
		})
	}
	checked.Wait()
	for _, c := range all {
		faults, warnings = append(faults, c.faults...), append(warnings, c.warnings...)
	}
	faults = append(faults, meshesTooMany(all)...)
	return append(faults, uncheckedTargets(cfg, all, line)...), warnings
}

// meshesTooMany reports plugins that would link the node with others beside the one that does.
func meshesTooMany(checks []pluginCheck) (faults []config.Problem) {
	first := ""
	for i := range checks {
		c := &checks[i]
		switch {
		case c.said == nil || !slices.Contains(c.said.Kinds, kindMesh):
		case first == "":
			first = c.plugin.Name
		default:
			faults = append(faults, c.problem("name", c.line("name"), "remove one of the two entries",
				"plugin %s is a mesh plugin and is not used as one: a node has one at most, and that is %s, the first in the file", c.plugin.Name, first))
		}
	}
	return faults
}

// pluginCheck is the check of one plugin.
type pluginCheck struct {
	file             string
	plugin           config.Plugin
	line             func(keys ...string) int
	targets          bool         // whether it matters which health targets it checks
	said             *description // nil: it was not asked, or has not answered
	faults, warnings []config.Problem
}

func (c *pluginCheck) problem(key string, line int, hint, format string, args ...any) config.Problem {
	return config.Problem{File: c.file, Line: line, Key: "plugin." + key, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func (c *pluginCheck) check(ctx context.Context, spawner *process.Spawner) {
	wrong, err := config.WrongProgram(ctx, c.plugin.Path, "", readfile.Within)
	if err != nil || wrong != "" {
		return // it is reported as that
	}
	if want := c.plugin.SHA256; want != "" {
		got, err := sumOf(ctx, c.plugin.Path)
		switch {
		case err != nil:
			c.warnings = append(c.warnings, c.problem("path", c.line("path"), "", "could not be read: %v", err))
			return
		case got != want:
			c.faults = append(c.faults, c.problem("sha256", c.line("sha256"),
				fmt.Sprintf("if this is the file you want, write sha256 = %q", got), "%s has another checksum: %s", c.plugin.Path, got))
			return
		}
	}
	if len(c.plugin.Config) == 0 && !c.targets {
		return
	}
	said, err := describePlugin(ctx, spawner, c.plugin.Path)
	switch {
	case err == nil:
		c.said = said
		c.keys(said.Schema, c.plugin.Config, nil)
	case len(c.plugin.Config) > 0:
		c.warnings = append(c.warnings, c.problem("config", c.line("config"), "", "could not be checked: %v", err))
	}
}

// description is what is needed of what a binary says of itself.
type description struct {
	Schema  *schema  `json:"config_schema"`
	Kinds   []string `json:"kinds"`
	Schemes []string `json:"health_schemes"`
}

// schema is what is needed of the JSON schema of a configuration.
type schema struct {
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties any                `json:"additionalProperties"`
	Items                *schema            `json:"items"`
}

// keys reports the keys of a table that its schema does not have.
func (c *pluginCheck) keys(s *schema, table map[string]any, at []string) {
	if s == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		path := append(slices.Clone(at), key)
		below, known := s.Properties[key]
		if !known {
			if s.AdditionalProperties == false {
				c.faults = append(c.faults, c.problem("config."+strings.Join(path, "."), c.line(append([]string{"config"}, path...)...),
					"it has: "+strings.Join(slices.Sorted(maps.Keys(s.Properties)), ", "), "is not a key of plugin %s", c.plugin.Name))
			}
			continue
		}
		switch value := table[key].(type) {
		case map[string]any:
			c.keys(below, value, path)
		case []map[string]any:
			for _, item := range value {
				c.keys(below.Items, item, path)
			}
		}
	}
}

// sumOf returns the SHA-256 of a file, in hex.
func sumOf(ctx context.Context, path string) (string, error) {
	return readfile.DoContext(ctx, path, pluginWithin, func() (string, error) {
		file, info, err := readfile.Open(path)
		if err != nil {
			return "", err
		}
		defer func() { _ = file.Close() }()
		if info.Size() > readfile.MaxProgram {
			return "", &readfile.TooLargeError{Path: path, Most: readfile.MaxProgram}
		}
		h := sha256.New()
		if _, err := io.Copy(h, io.LimitReader(file, readfile.MaxProgram)); err != nil {
			return "", err
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	})
}

// describePlugin has a plugin's binary print what it is.
func describePlugin(ctx context.Context, spawner *process.Spawner, path string) (*description, error) {
	late := fmt.Errorf("%s describe has not ended within %v", path, pluginWithin)
	proc, err := spawner.Start(ctx, process.Spec{
		Path: path, Args: []string{"describe"}, Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"},
	})
	switch {
	case ctx.Err() != nil:
		return nil, late
	case err != nil:
		return nil, fmt.Errorf("%s describe: %w", path, err)
	}
	out, errs := &limited{most: maxDescription}, &limited{most: 4 << 10}
	var readers sync.WaitGroup
	readers.Go(func() { _, _ = io.Copy(out, proc.Stdout()) })
	readers.Go(func() { _, _ = io.Copy(errs, proc.Stderr()) })
	select {
	case <-proc.Done():
	case <-ctx.Done():
		proc.Stop(ctx, syscall.SIGKILL, 0)
	}
	readers.Wait() // half a second after the end at the latest
	switch exit := proc.Exit(); {
	case ctx.Err() != nil:
		return nil, late
	case !exit.Clean():
		if text := strings.TrimSpace(errs.String()); text != "" {
			return nil, fmt.Errorf("%s describe: %v: %s", path, exit, plaintext.Clean(text, 200))
		}
		return nil, fmt.Errorf("%s describe: %v", path, exit)
	}
	said := &description{}
	if err := json.Unmarshal(out.Bytes(), said); err != nil || said.Schema == nil {
		return nil, errors.Join(fmt.Errorf("%s describe does not print a schema of its configuration", path), err)
	}
	return said, nil
}

// limited keeps the first bytes of what is written to it.
type limited struct {
	bytes.Buffer
	most int
}

func (l *limited) Write(b []byte) (int, error) {
	if room := l.most - l.Len(); room > 0 {
		l.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
