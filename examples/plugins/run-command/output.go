package main

import (
	"bytes"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/protobuf/encoding/protojson"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Limits of what a command writes.
const (
	maxLine   = 64 << 10 // a longer line is cut
	maxEvents = 10_000   // of one command
)

// listener gets the lines of one command. They go to the log, or, if they are events, to
// the node.
type listener struct {
	log        hclog.Logger
	wantEvents bool

	mu     sync.Mutex
	last   string // line on standard error
	events []*meshosv1.Event
}

func (l *listener) stdout(line string) {
	if l.wantEvents && strings.HasPrefix(line, "{") {
		l.event(line)
		return
	}
	l.log.Info(line)
}

func (l *listener) stderr(line string) {
	l.mu.Lock()
	l.last = line
	l.mu.Unlock()
	l.log.Warn(line)
}

func (l *listener) event(line string) {
	var event meshosv1.Event
	if err := protojson.Unmarshal([]byte(line), &event); err != nil {
		l.log.Warn("this line is not an event", "line", line, "error", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == maxEvents {
		l.log.Warn("the command wrote too many events; this one is left out", "most", maxEvents)
		return
	}
	l.events = append(l.events, &event)
}

// lines splits what is written to it into lines.
type lines struct {
	take func(line string)
	part []byte
	cut  bool // the rest of this line is left out
}

// Write implements io.Writer and never fails.
func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			l.keep(b)
			return n, nil
		}
		l.keep(b[:i])
		l.end()
		b = b[i+1:]
	}
}

func (l *lines) keep(b []byte) {
	if left := maxLine - len(l.part); len(b) > left {
		b, l.cut = b[:left], true
	}
	l.part = append(l.part, b...)
}

// end takes what there is of a line, even without a newline.
func (l *lines) end() {
	line := strings.TrimRight(strings.ToValidUTF8(string(l.part), "\uFFFD"), "\r ")
	if l.cut {
		line += " … (cut)"
	}
	l.part, l.cut = l.part[:0], false
	if line != "" {
		l.take(line)
	}
}
