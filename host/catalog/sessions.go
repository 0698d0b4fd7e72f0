package catalog

import (
	"os"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/process"
)

// sessionsKept bounds how many sessions of one plugin are remembered. A session outlives the
// process that began it for as long as anything is left in it.
const sessionsKept = 64

// sessions remembers which sessions were begun for a plugin's processes.
type sessions struct {
	mu    sync.Mutex
	begun []process.Identity // oldest first
	going int                // starts under way
}

// starting notes that a process is being started, until the function that it returns is
// called. It may run before add is called.
func (s *sessions) starting() (done func()) {
	s.note(1)
	return func() { s.note(-1) }
}

func (s *sessions) note(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.going += n
}

func (s *sessions) isStarting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.going > 0
}

func (s *sessions) add(pid int) {
	leader, err := process.Identify(pid)
	if err != nil {
		return // it has ended already
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.begun) >= sessionsKept {
		s.begun = slices.Delete(s.begun, 0, 1)
	}
	s.begun = append(s.begun, leader)
}

// has reports whether a process is in one of the sessions, or began one.
func (s *sessions) has(k process.Kin) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.begun, func(leader process.Identity) bool {
		if k.PID == leader.PID {
			return k.Start == leader.Start
		}
		if k.Session != leader.PID {
			return false
		}
		// The number of a session can be that of another process only when nothing is left
		// in the session.
		now, err := process.Identify(leader.PID)
		return err != nil || now == leader
	})
}

// PluginOf returns the plugin that a process belongs to, "" for none, and whether its entry
// lets it use the node's API. A process belongs to the plugin whose process it descends
// from, or whose session it is in. A process that this one has just started, while a plugin
// is being started, counts as that plugin's; if several are, it may call if they all may. Of one that left its session and lost its
// parent it is only known that it is a plugin's: it may call if all plugins may.
func (c *Catalog) PluginOf(pid int) (plugin string, mayCall bool) {
	line, err := process.Ancestry(pid)
	if err != nil {
		return "", true // it has ended, which the caller finds as well
	}
	for _, kin := range line {
		for _, s := range c.slots {
			if s.sessions.has(kin) {
				return s.entry().Name, s.entry().API
			}
		}
	}
	ours := slices.ContainsFunc(line[1:], func(k process.Kin) bool { return k.PID == os.Getpid() })
	mayCall = true
	for _, s := range c.slots {
		if ours && s.sessions.isStarting() {
			plugin = s.entry().Name
			mayCall = mayCall && s.entry().API
		}
	}
	if plugin != "" {
		return plugin, mayCall
	}
	if c.opts.Spawner != nil && c.opts.Spawner.Lost(line) {
		all := !slices.ContainsFunc(c.slots, func(s *slot) bool { return !s.entry().API })
		return unknownPlugin, all
	}
	return "", true
}

// unknownPlugin is the plugin of a process that left its plugin's session, and whose parent
// has ended.
const unknownPlugin = "(unknown: its parent has ended, and it has a session of its own)"
