package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		resolveProgram(c.Daemons[i].Command, absolute)
		if health := c.Daemons[i].Health; health != nil {
			resolveProgram(health.Command, absolute)
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

// checkFiles checks that the files and folders that the configuration names exist.
func (r *reader) checkFiles(c *Config) {
	node := place("").key("node")
	if len(c.Node.Socket) > maxSocketPath {
		r.problem("node.socket", fault{
			message: fmt.Sprintf("is a path of %d bytes; the path of a unix socket has at most %d: %s", len(c.Node.Socket), maxSocketPath, c.Node.Socket),
			hint:    `use a short absolute path such as "/run/meshos.sock"`,
		}, node.key("socket"), node)
	}
	if info, err := os.Stat(c.Node.DataDir); err == nil && !info.IsDir() {
		r.problem("node.data_dir", fault{
			message: c.Node.DataDir + " is not a directory", hint: "name a directory; it is created if it is missing",
		}, node.key("data_dir"), node)
	}
	if c.Operators.Signers != "" {
		at := place("").key("operators").key("signers")
		if f := badFile(c.Operators.Signers, "name an allowed_signers file, as ssh-keygen -Y verify reads it"); f != nil {
			r.problem("operators.signers", *f, at)
		} else {
			r.checkSigners(&c.Operators, at)
		}
	}
	for i := range c.Daemons {
		r.checkDaemonFiles(c, &c.Daemons[i], place("").key("daemon").item(i))
	}
	for i := range c.Plugins {
		r.checkPluginFile(c, &c.Plugins[i], place("").key("plugin").item(i))
	}
}

// checkDaemonFiles checks that a daemon's programs exist, unless it runs on another node.
func (r *reader) checkDaemonFiles(c *Config, d *Daemon, at place) {
	if d.Node != 0 && d.Node != c.Node.ID {
		return
	}
	if d.Dir != "" {
		if info, err := os.Stat(d.Dir); err != nil || !info.IsDir() {
			r.problem("daemon.dir", fault{message: "there is no directory " + d.Dir, hint: "create it, or leave dir out"}, at.key("dir"))
		}
	}
	if len(d.Command) > 0 {
		if f := badProgram(d.Command[0]); f != nil {
			r.problem("daemon.command", *f, at.key("command").item(0), at.key("command"))
		}
	}
	if d.Health != nil && len(d.Health.Command) > 0 {
		command := at.key("health").key("command")
		if f := badProgram(d.Health.Command[0]); f != nil {
			r.problem("daemon.health.command", *f, command.item(0), command)
		}
	}
}

// checkPluginFile checks that a plugin's binary exists. If the plugin is disabled, a
// missing binary is a warning.
func (r *reader) checkPluginFile(c *Config, p *Plugin, at place) {
	if p.Name == "" || p.Path == "" {
		return
	}
	if badPluginName(p.Name) != nil && p.Path == filepath.Join(c.PluginSection.Dir, p.Name) {
		return // the name is wrong, and reported as that
	}
	f := badProgram(p.Path)
	if f == nil {
		return
	}
	if f.hint == hintInstall {
		f.hint = "build or install it, or set plugin.path to where it is"
	}
	if !p.Enabled {
		r.warning("plugin.path", *f, at.key("path"), at.key("name"), at)
		return
	}
	r.problem("plugin.path", *f, at.key("path"), at.key("name"), at)
}

const hintInstall = "install it, or correct the path"

// badProgram returns why a program can't be started, nil if it can.
func badProgram(program string) *fault {
	if !strings.Contains(program, "/") {
		if _, err := exec.LookPath(program); err != nil {
			return &fault{message: "there is no program " + quote(program) + " in PATH", hint: "write its full path, or install it"}
		}
		return nil
	}
	info, err := os.Stat(program)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{message: "there is no file " + program, hint: hintInstall}
	case err != nil:
		return &fault{message: err.Error(), hint: hintInstall}
	case info.IsDir():
		return &fault{message: program + " is a directory, not a program", hint: hintInstall}
	case info.Mode()&0o111 == 0:
		return &fault{message: program + " is not executable", hint: "chmod +x " + program}
	}
	return nil
}

// badFile returns why a file can't be read, nil if it can.
func badFile(path, hint string) *fault {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &fault{message: "there is no file " + path, hint: hint}
	}
	if err != nil {
		return &fault{message: err.Error(), hint: hint}
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return &fault{message: path + " is a directory", hint: hint}
	}
	return nil
}
