package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// runOf names a run of a daemon.
type runOf struct{ daemon, run int }

// linesFound is what the node's log has of the lines that daemons printed.
type linesFound struct {
	recorded, suppressed, said int
	twice                      []string
	gaps                       int // records of the log that are missing
	of                         map[runOf]map[uint64]time.Time
	suppressedOf, saidOf       map[int]int
}

// lines waits until each line that a daemon printed is recorded or counted, and returns an error
// if one stays missing.
func (s *stage) lines(ctx context.Context) (err error) {
	taken := s.taken()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		if s.printed, err = s.read(ctx); err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if len(s.printed.twice) > 0 {
			return fmt.Errorf("%d lines are recorded twice, such as: %s", len(s.printed.twice), s.printed.twice[0])
		}
		missing := s.missing(taken)
		if len(missing) == 0 {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("lines are neither recorded nor counted (%d log records are missing): %s", s.printed.gaps, strings.Join(missing, "; "))
		}
	}
}

// taken returns how many lines of each run were taken.
func (s *stage) taken() map[runOf]uint64 {
	out := make(map[runOf]uint64)
	names, _ := filepath.Glob(s.path("marks/*.taken.*"))
	for _, name := range names {
		var r runOf
		if n, err := fmt.Sscanf(filepath.Base(name), "%d.taken.%d", &r.daemon, &r.run); n != 2 || err != nil {
			continue
		}
		if count, err := os.ReadFile(name); err == nil && len(count) == 8 {
			out[r] = binary.LittleEndian.Uint64(count)
		}
	}
	return out
}

// read reads the whole log.
func (s *stage) read(ctx context.Context) (linesFound, error) {
	out := linesFound{of: make(map[runOf]map[uint64]time.Time), suppressedOf: make(map[int]int), saidOf: make(map[int]int)}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stream, err := s.TailLogs(ctx, &hostv1.TailRequest{})
	if err != nil {
		return out, err
	}
	epoch, seq := uint64(0), uint64(0)
	for {
		record, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if record.GetEpoch() != epoch {
			epoch, seq = record.GetEpoch(), 0
		}
		out.gaps += int(record.GetSeq() - seq - 1)
		seq = record.GetSeq()
		out.add(int(record.GetDaemonId()), record.GetMessage())
	}
}

func (l *linesFound) add(daemon int, message string) {
	r, n, at, count := runOf{daemon: daemon}, uint64(0), int64(0), 0
	if _, err := fmt.Sscanf(message, "soak %d %d %d", &r.run, &n, &at); err == nil {
		if l.of[r] == nil {
			l.of[r] = make(map[uint64]time.Time)
		}
		if _, ok := l.of[r][n]; ok {
			l.twice = append(l.twice, fmt.Sprintf("daemon %d: %s", daemon, message))
		}
		l.of[r][n] = time.UnixMilli(at)
		l.recorded++
		return
	}
	if _, err := fmt.Sscanf(message, "meshos: %d lines suppressed", &count); err == nil {
		l.suppressed += count
		l.suppressedOf[daemon] += count
	} else if _, err := fmt.Sscanf(message, "meshos: %d lines lost", &count); err == nil {
		l.said += count
		l.saidOf[daemon] += count
	}
}

// missing says which lines are neither recorded nor counted.
func (s *stage) missing(taken map[runOf]uint64) (out []string) {
	total := 0
	lost, ended := make(map[int]int), make(map[int]int)
	holes := make(map[int][]string)
	for _, r := range slices.SortedFunc(maps.Keys(taken), func(a, b runOf) int { return a.daemon*1_000_000 + a.run - b.daemon*1_000_000 - b.run }) {
		was, first := time.Time{}, uint64(0)
		for n := uint64(1); n <= taken[r]+1; n++ {
			at, ok := s.printed.of[r][n]
			switch {
			case n <= taken[r] && !ok:
				lost[r.daemon]++
				if first == 0 {
					first = n
				}
			case first != 0 && n > taken[r] && s.wasFull(was):
				ended[r.daemon] += int(n - first)
				fallthrough
			case first != 0:
				holes[r.daemon] = append(holes[r.daemon], fmt.Sprintf("run %d: %d–%d of %d, from %s to %s", r.run, first, n-1, taken[r], clock(was), clock(at)))
				first = 0
			}
			if ok {
				was = at
			}
		}
	}
	for _, d := range s.daemons {
		n := lost[d.id] - s.printed.suppressedOf[d.id] - s.printed.saidOf[d.id]
		if len(s.ends) > 0 {
			// What a full disk did not take at the end of a run is counted in the run's record; a node
			// that is killed before it can record that has told nobody.
			n -= ended[d.id]
		}
		if n <= 0 || d.cut > 0 { // what was on its way through a shim that was killed is lost
			continue
		}
		total += n
		all := holes[d.id]
		out = append(out, fmt.Sprintf("daemon %d (%s): %d lines; %s", d.id, d.sort, n, strings.Join(all[:min(len(all), 5)], ", ")))
	}
	if total <= s.printed.gaps { // the node's log says how many records did not fit while the disk was full
		return nil
	}
	return out
}

// wasFull reports whether the disk was full at a time or soon after.
func (s *stage) wasFull(at time.Time) bool {
	for _, f := range s.full {
		if at.After(f.from.Add(-time.Second)) && (f.to.IsZero() || at.Before(f.to)) {
			return true
		}
	}
	return at.IsZero() && len(s.full) > 0
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "?"
	}
	return t.UTC().Format("15:04:05.000")
}
