package process

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orphanPatience is how long a child that has ended is left to whoever started it.
const orphanPatience = time.Second

// CollectOrphans collects, until ctx ends, the children of this process that nobody waits for.
// Process 1 of a container becomes the parent of everybody whose own parent ends, and they stay
// zombies, each with its pid, until it collects them.
//
// Whoever starts a child waits for it, and collects it within moments. So a child is taken
// for an orphan when it is still there a second after it was first seen dead: nobody loses the
// exit status of his own, and nobody has to register it here.
func CollectOrphans(ctx context.Context) {
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	defer signal.Stop(died)
	timer := time.NewTimer(0) // for those that died before
	defer timer.Stop()
	var seen map[Identity]bool
	for waiting := true; ; {
		select {
		case <-died:
			if !waiting {
				timer.Reset(orphanPatience)
				waiting = true
			}
			continue
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		seen = collect(seen)
		if waiting = len(seen) > 0; waiting {
			timer.Reset(orphanPatience)
		}
	}
}

// collect collects the dead children that were seen before, and returns the others.
func collect(before map[Identity]bool) (seen map[Identity]bool) {
	seen = make(map[Identity]bool)
	for _, pid := range ownChildren() {
		s, err := readStat(pid)
		if err != nil || s.state != 'Z' {
			continue
		}
		id := Identity{PID: pid, Start: s.start}
		if before[id] {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
			continue
		}
		seen[id] = true
	}
	return seen
}
