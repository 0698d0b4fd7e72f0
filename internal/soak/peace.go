package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// patience is how long peace is waited for: much longer than it may take.
	patience = 2 * time.Minute
	// stable is how long it has to last.
	stable = 2 * time.Second
)

// peace leaves the node alone, and waits until all is as it should be, and stays so. all says
// that everything should run.
func (s *stage) peace(ctx context.Context, all bool) error {
	if s.node == nil {
		if err := s.startNode(); err != nil {
			return err
		}
	}
	for _, p := range s.look().all() {
		if p.state == 'T' {
			_ = syscall.Kill(p.pid, syscall.SIGCONT)
		}
	}
	if err := s.answers(ctx); err != nil {
		return err
	}
	s.settle(ctx)
	var since time.Time
	for end := time.Now().Add(patience); ; {
		if err := s.alive(); err != nil {
			return err
		}
		if text, err := os.ReadFile(s.path("marks/wrong")); err != nil {
			return err
		} else if len(text) > 0 {
			return fmt.Errorf("daemons report: %s", text)
		}
		wrong := s.judge(all)
		switch {
		case len(wrong) > 0:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > stable:
			s.history.add("all is as it should be")
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v of peace: %s", patience, strings.Join(wrong, "; "))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// answers waits until the node answers.
func (s *stage) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := s.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{}, grpc.WaitForReady(true)); err != nil {
		return fmt.Errorf("the node does not answer: %w", err)
	}
	return nil
}

// settle orders again what may or may not have been taken.
func (s *stage) settle(ctx context.Context) {
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		left := false
		if s.unsure {
			left = s.drain(ctx, s.drained) != nil || left
		}
		for _, d := range s.daemons {
			if d.present && d.unsure {
				s.intend(ctx, d, meshosv1.DaemonIntent_Intent(1+s.rand.IntN(2)))
				left = left || d.unsure
			}
		}
		if !left {
			return
		}
	}
}

// restore undoes what was ordered and changed: all daemons should run.
func (s *stage) restore(ctx context.Context) {
	s.history.add("all should run")
	for _, d := range s.daemons {
		d.present = true
		if !d.run {
			d.run, d.ordered = true, meshosv1.DaemonIntent_INTENT_UNSPECIFIED
		}
	}
	_ = s.reload("reload")
	s.unsure, s.drained = true, false
	for _, d := range s.daemons {
		for end := time.Now().Add(patience); d.ordered == meshosv1.DaemonIntent_INTENT_STOP || d.unsure; time.Sleep(100 * time.Millisecond) {
			if s.intend(ctx, d, meshosv1.DaemonIntent_INTENT_RUN); time.Now().After(end) || ctx.Err() != nil {
				return
			}
		}
	}
	for _, p := range s.look().byRole["child"] {
		if d := s.daemons[p.daemon-1]; d.leaves { // they would become more and more
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}

// judge says what is not as it should be, seen from outside.
func (s *stage) judge(all bool) (wrong []string) {
	found := s.look()
	say := func(d *daemon, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("daemon %d (%s) ", d.id, d.sort)+fmt.Sprintf(format, args...))
	}
	for _, d := range s.daemons {
		mains, shims, children := found.of("main", d.id), found.of("shim", d.id), found.of("child", d.id)
		want := 0
		if (all || s.runs(d)) && !d.oneShot {
			want = 1
		}
		if len(mains) != want {
			say(d, "has %d main processes, should have %d", len(mains), want)
		}
		if len(shims) != want {
			say(d, "has %d shims, should have %d", len(shims), want)
		}
		if most := want; !d.leaves && (len(children) > most || len(children) > 0 && !d.child) {
			say(d, "has %d children, should have at most %d", len(children), most)
		}
		if d.oneShot {
			s.judgeOneShot(d, all, say)
		}
	}
	for _, role := range []string{"zombie", "leave", "other", "afterwards", "before"} {
		if n := len(found.byRole[role]); n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d processes are of the sort %q, such as %+v", n, role, found.byRole[role][0]))
		}
	}
	if n := len(found.byRole["run"]); n != 1 {
		wrong = append(wrong, fmt.Sprintf("%d nodes run", n))
	}
	if n := len(found.byRole["watcher"]); n > 2 {
		wrong = append(wrong, fmt.Sprintf("%d watchers run", n))
	}
	return wrong
}

func (s *stage) judgeOneShot(d *daemon, all bool, say func(d *daemon, format string, args ...any)) {
	text, _ := os.ReadFile(s.mark(d.id, "runs"))
	runs, _ := strconv.Atoi(string(text))
	_, err := os.Stat(s.mark(d.id, "done"))
	if all && runs == 0 {
		say(d, "never ran")
	}
	if all && d.sort == "on-failure" && err != nil {
		say(d, "is not done after %d runs", runs)
	}
	if d.sort == "one-shot" && runs > 1+d.rerun {
		say(d, "ran %d times, should have run %d times at most", runs, 1+d.rerun)
	}
}

// stopAll ends the node with its daemons, and looks for what is left.
func (s *stage) stopAll(ctx context.Context) error {
	if err := s.drain(ctx, true); err != nil {
		return err
	}
	for _, d := range s.daemons {
		if d.always {
			s.intend(ctx, d, meshosv1.DaemonIntent_INTENT_STOP)
		}
	}
	if err := s.peace(ctx, false); err != nil {
		return fmt.Errorf("after a drain: %w", err)
	}
	if err := s.endNode(syscall.SIGTERM); err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		left := 0
		found := s.look()
		for _, p := range found.all() {
			if p.daemon == 0 || p.role != "child" || !s.daemons[p.daemon-1].leaves {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after the end %d processes are left: %+v", left, found.byRole)
		}
	}
}
