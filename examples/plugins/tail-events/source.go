package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// maxBatch limits the events of one message, in bytes. A single line is smaller.
const maxBatch = 2 << 20

// source follows the file, for one stream at a time.
type source struct {
	env     pluginsdk.Env
	cfg     config
	reading chan struct{} // held by the stream that reads the file
}

func newSource(env pluginsdk.Env, cfg config) (*source, error) {
	return &source{env: env, cfg: cfg, reading: make(chan struct{}, 1)}, nil
}

// Events streams what is added to the file until ctx ends.
func (s *source) Events(ctx context.Context, send func([]*meshosv1.Event) error) error {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	saved := checkpoint{file: filepath.Join(s.env.DataDir, "place.json"), settle: time.Duration(s.cfg.Settle), off: !s.cfg.Remember}
	was, err := saved.load()
	if err != nil {
		s.env.Log.Warn("the position of the last process is unknown", "error", err)
	}
	t := &tail{path: s.cfg.Path, log: s.env.Log}
	defer t.close()
	if err := t.start(was, s.cfg.From == "end"); err != nil {
		return err
	}
	err = s.follow(ctx, t, &saved, send)
	if ctx.Err() != nil {
		saved.flush() // an orderly end: everything that was sent arrives
	}
	if saved.err != nil {
		s.env.Log.Warn("the position in the file can't be saved: after the next start lines come again", "error", saved.err)
	}
	return err
}

func (s *source) follow(ctx context.Context, t *tail, saved *checkpoint, send func([]*meshosv1.Event) error) error {
	poll := time.NewTimer(0)
	defer poll.Stop()
	for ctx.Err() == nil {
		lines, err := t.read()
		if err != nil {
			return pluginsdk.Unavailable(err)
		}
		if err := s.send(lines, send); err != nil {
			return err
		}
		if len(lines) > 0 {
			saved.sent(t.at, time.Now())
		}
		saved.settled(time.Now())
		if len(lines) > 0 {
			continue
		}
		poll.Reset(time.Duration(s.cfg.Poll))
		select {
		case <-poll.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// send sends the events in the lines. A line that is not an event is logged and skipped.
func (s *source) send(lines []line, send func([]*meshosv1.Event) error) error {
	var batch []*meshosv1.Event
	size := 0
	for _, l := range lines {
		event, err := parse(l)
		if err != nil {
			s.env.Log.Warn("a line was skipped", "path", s.cfg.Path, "line", l.number, "error", err)
			continue
		}
		if event == nil {
			continue
		}
		if n := proto.Size(event); size+n > maxBatch && len(batch) > 0 {
			if err := send(batch); err != nil {
				return err
			}
			batch, size = nil, 0
		}
		batch = append(batch, event)
		size += proto.Size(event)
	}
	if len(batch) == 0 {
		return nil
	}
	return send(batch)
}

// parse returns the event in a line, or nil for an empty line.
func parse(l line) (*meshosv1.Event, error) {
	if l.long {
		return nil, fmt.Errorf("it is longer than %d bytes", maxLine)
	}
	if len(bytes.TrimSpace(l.text)) == 0 {
		return nil, nil
	}
	var event meshosv1.Event
	if err := protojson.Unmarshal(l.text, &event); err != nil {
		return nil, err
	}
	if event.GetKind() == nil {
		return nil, fmt.Errorf("it has no kind of event")
	}
	return &event, nil
}
