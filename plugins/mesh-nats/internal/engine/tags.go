package engine

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Tags are those of the server in this process: the ones that it always bears, and those by
// which it agrees to hold a stream, for a while. It is safe for concurrent use.
type Tags struct {
	srv *server.Server

	mu     sync.Mutex
	opts   *server.Options // in force
	always []string
	until  map[string]time.Time
}

// Sorted sorts what NATS sorts in place when options are loaded again, although it reads it then
// elsewhere too. A server whose tags are to change is started with sorted options.
func Sorted(opts *server.Options) {
	slices.Sort(opts.Tags)
	slices.SortFunc(opts.Routes, func(a, b *url.URL) int { return strings.Compare(a.String(), b.String()) })
}

// NewTags returns the tags of a server that was started with opts. Nobody else changes these.
func NewTags(srv *server.Server, opts *server.Options) *Tags {
	return &Tags{srv: srv, opts: opts, always: slices.Clone(opts.Tags), until: map[string]time.Time{}}
}

// Bear has the server bear a tag until a time, or longer if that was asked before.
func (t *Tags) Bear(tag string, until time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, borne := t.until[tag]
	if until.After(before) {
		t.until[tag] = until
	}
	if borne {
		return nil
	}
	err := t.apply()
	if err != nil {
		delete(t.until, tag)
	}
	return err
}

// Drop takes a tag away.
func (t *Tags) Drop(tag string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, borne := t.until[tag]; !borne {
		return nil
	}
	delete(t.until, tag)
	return t.apply()
}

// Expire takes the tags away whose time is over, and returns them.
func (t *Tags) Expire(now time.Time) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var over []string
	for tag, until := range t.until {
		if !until.After(now) {
			over = append(over, tag)
			delete(t.until, tag)
		}
	}
	if over == nil {
		return nil, nil
	}
	slices.Sort(over)
	return over, t.apply()
}

// Borne returns the tags by which the server agrees now.
func (t *Tags) Borne() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.borne()
}

func (t *Tags) borne() []string {
	var out []string
	for tag := range t.until {
		out = append(out, tag)
	}
	slices.Sort(out)
	return out
}

// apply has the server take the tags over. The options are copied flat: what they point at, the
// server compares, and a copy of a TLS configuration would look like a change of it.
func (t *Tags) apply() error {
	next := *t.opts
	next.Tags = slices.Concat(t.always, t.borne())
	if err := t.srv.ReloadOptions(&next); err != nil {
		return fmt.Errorf("change the tags of this node's server: %w", err)
	}
	t.opts = &next
	return nil
}
