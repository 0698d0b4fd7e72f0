package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/meshos/meshos/host/mesh"
)

// daemonsNamed returns the ids of daemons by their ids or names. Those that the file does not
// have are left out, and were reported.
func (c *Config) daemonsNamed(words []string) (out []mesh.DaemonID) {
	for _, word := range words {
		if found := c.daemonNamed(word); len(found) == 1 && !slices.Contains(out, found[0].ID) {
			out = append(out, found[0].ID)
		}
	}
	return out
}

// Before returns the daemons that are started before one, and stopped after it.
func (c *Config) Before(d Daemon) []mesh.DaemonID {
	return c.daemonsNamed(slices.Concat(d.Requires, d.After))
}

// daemonNamed returns the daemons that a word names. One of digits alone is an id.
func (c *Config) daemonNamed(word string) (out []*Daemon) {
	id, err := strconv.ParseUint(word, 10, 64)
	for i := range c.Daemons {
		d := &c.Daemons[i]
		if err == nil && uint64(d.ID) == id || err != nil && d.Name == word {
			out = append(out, d)
		}
	}
	return out
}

// called returns what people call a daemon.
func (d *Daemon) called() string {
	if d.Name != "" {
		return d.Name
	}
	return strconv.FormatUint(uint64(d.ID), 10)
}

// checkOrder reports names in after and requires that name nothing, and circles.
func (r *reader) checkOrder(c *Config) {
	for i := range c.Daemons {
		d, at := &c.Daemons[i], place("").key("daemon").item(i)
		r.checkNamed(c, d, "after", d.After, at.key("after"))
		r.checkNamed(c, d, "requires", d.Requires, at.key("requires"))
	}
	seen := make(map[mesh.DaemonID]bool)
	for i := range c.Daemons {
		circle := c.circle(&c.Daemons[i], nil, seen)
		if circle == nil {
			continue
		}
		names := make([]string, len(circle))
		for j, d := range circle {
			names[j] = d.called()
		}
		first := slices.IndexFunc(c.Daemons, func(d Daemon) bool { return d.ID == circle[0].ID })
		at := place("").key("daemon").item(first)
		key := "after"
		if slices.ContainsFunc(circle[0].Requires, func(word string) bool { return slices.Contains(c.daemonNamed(word), circle[1]) }) {
			key = "requires"
		}
		r.problem("daemon."+key, fault{
			message: "goes in a circle: " + strings.Join(names, " → "), hint: "none of them could be the first to start; take one of them out of after or requires",
		}, at.key(key), at)
	}
}

func (r *reader) checkNamed(c *Config, d *Daemon, key string, words []string, at place) {
	for i, word := range words {
		found := c.daemonNamed(word)
		switch {
		case len(found) == 0:
			r.problem("daemon."+key, fault{message: fmt.Sprintf("there is no [[daemon]] %s", shortened(quote(word))), hint: c.hintForDaemon(word)}, at.item(i), at)
		case len(found) > 1:
			r.problem("daemon."+key, fault{
				message: fmt.Sprintf("%s is the name of %d daemons", shortened(quote(word)), len(found)), hint: fmt.Sprintf("write the id: \"%d\"", found[0].ID),
			}, at.item(i), at)
		case key == "requires" && d.Essential && !found[0].Essential:
			r.problem("daemon.requires", fault{
				message: fmt.Sprintf("%s is not essential, but this daemon is: maintenance would stop both", shortened(quote(word))),
				hint:    "set essential = true for both, or use after",
			}, at.item(i), at)
		}
	}
}

func (c *Config) hintForDaemon(word string) string {
	var names []string
	for i := range c.Daemons {
		names = append(names, c.Daemons[i].called())
	}
	if near := nearest(word, names); near != "" {
		return "did you mean " + quote(near) + "?"
	}
	return "daemons: " + strings.Join(names, ", ")
}

// circle returns a circle that a daemon leads to and that was not seen yet, with its first
// daemon at the end too; nil if there is none.
func (c *Config) circle(d *Daemon, path []*Daemon, seen map[mesh.DaemonID]bool) []*Daemon {
	if i := slices.Index(path, d); i >= 0 {
		return append(slices.Clone(path[i:]), d)
	}
	if seen[d.ID] {
		return nil
	}
	seen[d.ID] = true
	path = append(path, d)
	for _, word := range slices.Concat(d.Requires, d.After) {
		if found := c.daemonNamed(word); len(found) == 1 {
			if circle := c.circle(found[0], path, seen); circle != nil {
				return circle
			}
		}
	}
	return nil
}
