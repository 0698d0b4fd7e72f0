package config

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// maxSocketPath is how long the path of a unix socket may be on Linux, in bytes.
const maxSocketPath = 107

// resolve makes all paths absolute: relative ones are relative to dir, the folder of the
// file. A plugin without a path is in the plugins' folder, under its name.
func (c *Config) resolve(dir string) {
	absolute := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	for _, path := range []*string{&c.Node.DataDir, &c.Node.Socket, &c.Operators.Signers, &c.PluginSection.Dir} {
		absolute(path)
	}
	for i := range c.Daemons {
		absolute(&c.Daemons[i].Dir)
		c.Daemons[i].Sources.resolve(absolute)
		resolveProgram(c.Daemons[i].Command, absolute)
		resolveProgram(c.Daemons[i].ReloadCommand, absolute)
		if health := c.Daemons[i].Health; health != nil {
			resolveProgram(health.Command, absolute)
		}
		for _, command := range slices.Concat(c.Daemons[i].PreStart.Commands, c.Daemons[i].PostStop.Commands) {
			resolveProgram(command, absolute)
		}
	}
	for i := range c.Plugins {
		p := &c.Plugins[i]
		if p.Path == "" && p.Name != "" {
			p.Path = filepath.Join(c.PluginSection.Dir, p.Name)
		}
		absolute(&p.Path)
	}
}

// resolveProgram leaves a bare name alone: it is looked up in PATH.
func resolveProgram(command []string, absolute func(*string)) {
	if len(command) > 0 && strings.Contains(command[0], "/") {
		absolute(&command[0])
	}
}

// checkFiles checks that the files and folders that the configuration names exist. All are
// looked at at once, within this time together. One that can't be looked at in that time is
// a warning: what does not need it is not held up. The signers' file is read again before
// the node starts, and without it the node does not start.
func (r *reader) checkFiles(c *Config, within time.Duration) {
	node := place("").key("node")
	if len(c.Node.Socket) > maxSocketPath {
		r.problem("node.socket", fault{
			message: fmt.Sprintf("is a path of %d bytes; the path of a unix socket has at most %d: %s", len(c.Node.Socket), maxSocketPath, c.Node.Socket),
			hint:    `use a short absolute path such as "/run/meshos.sock"`,
		}, node.key("socket"), node)
	}
	var l looks
	l.add("node.data_dir", c.Node.DataDir, badDataDir, node.key("data_dir"), node)
	if c.Node.SocketGroup != "" {
		l.add("node.socket_group", c.Node.SocketGroup, badGroup, node.key("socket_group")).worth = asFault
	}
	if c.Operators.Signers != "" {
		addSigners(&l, &c.Operators, place("").key("operators").key("signers"))
	}
	for i := range c.Daemons {
		addDaemonFiles(&l, c, &c.Daemons[i], place("").key("daemon").item(i))
	}
	for i := range c.Plugins {
		addPluginFile(&l, c, &c.Plugins[i], place("").key("plugin").item(i))
	}
	l.report(r, within)
}

func badDataDir(ctx context.Context, path string, within time.Duration) (*fault, error) {
	info, err := readfile.Look(ctx, path, within)
	if err == nil && !info.Mode.IsDir() {
		return &fault{message: path + " is not a directory", hint: "name a directory; it is created if it is missing"}, nil
	}
	if isHung(err) {
		return nil, err
	}
	return nil, nil // it is created, or that says what is wrong
}

// addDaemonFiles adds a daemon's programs and folder, unless it runs on another node.
func addDaemonFiles(l *looks, c *Config, d *Daemon, at place) {
	if d.Node != 0 && d.Node != c.Node.ID {
		return
	}
	addRunAs(l, d.RunAs, at)
	addSources(l, d.Sources, at)
	path := SearchPath(d.Env)
	if d.Dir != "" {
		l.add("daemon.dir", d.Dir, badDir, at.key("dir")).worth = asFault
	}
	if len(d.Command) > 0 {
		l.add("daemon.command", d.Command[0], badIn(path), at.key("command").item(0), at.key("command")).worth = asFault
	}
	for _, hooks := range []struct {
		key      string
		commands [][]string
	}{{"pre_start", d.PreStart.Commands}, {"post_stop", d.PostStop.Commands}} {
		for i, command := range hooks.commands {
			l.add("daemon."+hooks.key, command[0], badIn(path), at.key(hooks.key).item(i), at.key(hooks.key)).worth = asFault
		}
	}
	if len(d.ReloadCommand) > 0 {
		l.add("daemon.reload_command", d.ReloadCommand[0], badIn(path), at.key("reload_command").item(0), at.key("reload_command")).worth = asFault
	}
	if d.Health != nil && len(d.Health.Command) > 0 {
		command := at.key("health").key("command")
		l.add("daemon.health.command", d.Health.Command[0], badIn(path), command.item(0), command).worth = asFault
	}
}

// addPluginFile adds a plugin's binary. If the plugin is disabled, a missing binary is a
// warning; if it is required, the node does not start without it.
func addPluginFile(l *looks, c *Config, p *Plugin, at place) {
	if p.Name == "" || p.Path == "" {
		return
	}
	if badPluginName(p.Name) != nil && p.Path == filepath.Join(c.PluginSection.Dir, p.Name) {
		return // the name is wrong, and reported as that
	}
	look := l.add("plugin.path", p.Path, badPlugin, at.key("path"), at.key("name"), at)
	switch {
	case !p.Enabled:
		look.worth = asWarning
	case p.Required:
		look.worth = asRequired
	default:
		look.worth = asFault
	}
}
