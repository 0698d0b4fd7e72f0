package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Parent is the group in which a node makes those of its daemons.
type Parent struct {
	group       Group
	controllers map[string]bool
	lacks       string // why a controller is missing, for people
	why         string // why there is no group at all

	mu     sync.Mutex
	made   map[string][]Group // by the prefix of a daemon: those that may be there
	listed bool               // made has those of earlier runs of the node
}

// Open finds the control group of this process, and makes one in it for the daemons of a node,
// which name tells from others. It always returns a Parent; Why says what
// is missing.
func Open(name string) *Parent {
	own, err := ownGroup()
	if err != nil {
		return &Parent{why: err.Error()}
	}
	return openIn(own, name, delegated(own))
}

func openIn(own Group, name string, delegated bool) *Parent {
	if !delegated {
		return &Parent{why: "the service manager keeps the control group " + string(own) + " to itself (a unit needs Delegate=yes)"}
	}
	if above := Group(filepath.Dir(string(own))); isDelegated(above) { // DelegateSubgroup=
		own = above
	}
	p := &Parent{group: Group(own.file("meshos-" + name)), controllers: make(map[string]bool)}
	if err := os.Mkdir(string(p.group), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return &Parent{why: fmt.Sprintf("no control group can be made: %v", err)}
	}
	for _, c := range []string{"memory", "cpu", "pids"} {
		err := own.write("cgroup.subtree_control", "+"+c)
		if err == nil {
			err = p.group.write("cgroup.subtree_control", "+"+c)
		}
		switch {
		case err == nil:
			p.controllers[c] = true
		case errors.Is(err, unix.EBUSY):
			p.lacks = "the control group " + string(own) + " has processes of its own, so it can't limit others (a unit needs DelegateSubgroup=node)"
		case p.lacks == "":
			p.lacks = "the control group " + string(own) + " has no such controller"
		}
	}
	return p
}

// Why says why daemons get no group of their own; "" if they do.
func (p *Parent) Why() string { return p.why }

// Limits are those of a group; 0 means no limit.
type Limits struct {
	Memory    int64   // bytes
	CPU       float64 // cores
	Processes int
}

// Make makes a group for one run of a daemon. It returns which limits can't be enforced, by
// the names of their keys, and why. An error means that there is no group.
func (p *Parent) Make(daemon uint64, run string, l Limits) (g Group, without []string, why string) {
	missing := func(reason string) (Group, []string, string) {
		for _, one := range l.each() {
			if one.value != "max" {
				without = append(without, one.key)
			}
		}
		return "", without, reason
	}
	if p == nil {
		return missing("no control groups are used")
	}
	if p.group == "" {
		return missing(p.why)
	}
	prefix := strconv.FormatUint(daemon, 10) + "-"
	p.removeEmpty(prefix)
	g = Group(p.group.file(prefix + run))
	p.note(prefix, g)
	if err := os.Mkdir(string(g), 0o755); err != nil {
		return missing(fmt.Sprintf("its control group can't be made: %v", err))
	}
	for _, one := range l.each() {
		if one.value == "max" {
			continue
		}
		if !p.controllers[one.controller] {
			without, why = append(without, one.key), p.lacks
		} else if err := g.write(one.file, one.value); err != nil {
			without, why = append(without, one.key), err.Error()
		}
	}
	return g, without, why
}

// note notes that a daemon has a group.
func (p *Parent) note(prefix string, g Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.made[prefix], g) {
		p.made[prefix] = append(p.made[prefix], g)
	}
}

// removeEmpty removes the groups of earlier runs of a daemon in which nobody is left. Those of
// earlier runs of the node are listed once.
func (p *Parent) removeEmpty(prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.listed {
		p.listed, p.made = true, make(map[string][]Group)
		for _, below := range p.group.below() {
			if daemon, _, ok := strings.Cut(filepath.Base(string(below)), "-"); ok {
				p.made[daemon+"-"] = append(p.made[daemon+"-"], below)
			}
		}
	}
	p.made[prefix] = slices.DeleteFunc(p.made[prefix], func(g Group) bool {
		g.Remove()
		_, err := os.Stat(string(g))
		return errors.Is(err, os.ErrNotExist)
	})
}

// Close removes the parent's group if no daemon is left in it.
func (p *Parent) Close() {
	if p != nil {
		p.group.Remove()
	}
}

// limit is what one key of the configuration writes.
type limit struct{ key, controller, file, value string }

func (l Limits) each() []limit {
	const period = 100000 // µs
	memory, cpu, processes := "max", "max", "max"
	if l.Memory > 0 {
		memory = strconv.FormatInt(l.Memory, 10)
	}
	if l.CPU > 0 {
		cpu = fmt.Sprintf("%d %d", max(1000, int64(l.CPU*period)), period)
	}
	if l.Processes > 0 {
		processes = strconv.Itoa(l.Processes)
	}
	return []limit{
		{"memory", "memory", "memory.max", memory},
		{"cpu", "cpu", "cpu.max", cpu},
		{"processes", "pids", "pids.max", processes},
	}
}
