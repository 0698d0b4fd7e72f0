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

// maxBatch bounds the events of one message, in bytes; a line alone is smaller.
const maxBatch = 2 << 20

// source follows the file, for one stream at a time.
type source struct {
	env  pluginsdk.Env
	cfg  config
	turn chan struct{} // held by the stream that reads
}

func newSource(env pluginsdk.Env, cfg config) (*source, error) {
	return &source{env: env, cfg: cfg, turn: make(chan struct{}, 1)}, nil
}

// Events streams what is added to the file until ctx ends.
func (s *source) Events(ctx context.Context, send func([]*meshosv1.Event) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	memory := memory{file: filepath.Join(s.env.DataDir, "place.json"), settle: time.Duration(s.cfg.Settle), off: !s.cfg.Remember}
	was, err := memory.load()
	if err != nil {
		s.env.Log.Warn("where the last process was is not known", "error", err)
	}
	t := &tail{path: s.cfg.Path, log: s.env.Log}
	defer t.close()
	if err := t.begin(was, s.cfg.From == "end"); err != nil {
		return err
	}
	err = s.follow(ctx, t, &memory, send)
	if ctx.Err() != nil {
		memory.flush() // an orderly end: what was sent arrives
	}
	if memory.err != nil {
		s.env.Log.Warn("the place in the file can't be remembered: after the next start lines come again", "error", memory.err)
	}
	return err
}

func (s *source) follow(ctx context.Context, t *tail, memory *memory, send func([]*meshosv1.Event) error) error {
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
			memory.sent(t.at, time.Now())
		}
		memory.settled(time.Now())
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

// send sends the events in some lines; a line that is none is said and skipped.
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

// parse returns the event of a line; nil for one that is empty.
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
		return nil, fmt.Errorf("it names no kind of event")
	}
	return &event, nil
}
