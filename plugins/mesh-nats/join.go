package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/pluginsdk"
)

const (
	maxJoinings   = 64 // that wait for the host
	joinWithin    = 5 * time.Second
	joinEachSec   = 5
	joinBurst     = 20
	sameAfterDone = 5 * time.Second // a joining that was handed on is taken again
)

// joins keeps what strangers hand in until the host takes it.
type joins struct {
	changed chan struct{}
	rate    *rate.Limiter

	mu      sync.Mutex
	waiting [][]byte
	taken   map[[sha256.Size]byte]time.Time
}

func newJoins() *joins {
	return &joins{changed: make(chan struct{}, 1), rate: rate.NewLimiter(joinEachSec, joinBurst), taken: map[[sha256.Size]byte]time.Time{}}
}

var errBusy = errors.New("too many nodes want to join at once")

// offer takes what a stranger hands in.
func (j *joins) offer(joining []byte, now time.Time) error {
	if len(joining) > maxJoining {
		return fmt.Errorf("what it hands in has %d bytes, over the limit of %d", len(joining), maxJoining)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for hash, at := range j.taken {
		if now.Sub(at) > sameAfterDone {
			delete(j.taken, hash)
		}
	}
	hash := sha256.Sum256(joining)
	_, known := j.taken[hash]
	known = known || slices.ContainsFunc(j.waiting, func(other []byte) bool { return bytes.Equal(other, joining) })
	switch {
	case known:
		return nil
	case !j.rate.AllowN(now, 1) || len(j.waiting) >= maxJoinings:
		return errBusy
	}
	j.waiting = append(j.waiting, bytes.Clone(joining))
	poke(j.changed)
	return nil
}

// take returns what was handed in since the last call.
func (j *joins) take() [][]byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.waiting
	j.waiting = nil
	for _, joining := range out {
		j.taken[sha256.Sum256(joining)] = time.Now()
	}
	return out
}

// Join hands in to a seed what makes this node a member. It is in the certificate with which
// the node connects: so a seed takes it or not before there is a link, and a stranger gets
// nothing else to talk to.
func (n *node) Join(ctx context.Context, joining []byte) error {
	if len(joining) == 0 || len(joining) > maxJoining {
		return pluginsdk.Invalid(fmt.Errorf("a joining of %d bytes: it has from 1 to %d", len(joining), maxJoining))
	}
	certificate, err := n.identity.certificate(joining)
	if err != nil {
		return err
	}
	var errs []error
	for _, seed := range n.cfg.Seeds {
		err := n.joinAt(ctx, seed, certificate)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", seed, err))
	}
	return pluginsdk.Unavailable(fmt.Errorf("no seed takes what this node hands in: %w", errors.Join(errs...)))
}

func (n *node) joinAt(ctx context.Context, seed string, certificate tls.Certificate) error {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: n.identity.connecting(certificate, func(state tls.ConnectionState) error {
		key, err := keyOf(&state)
		if err == nil && !n.members.Load().isSeed(key) {
			err = errNotSeed
		}
		return err
	})}
	conn, err := dialer.DialContext(ctx, "tcp", seed)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // all has been said
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	// With TLS 1.3 the client is done before the server has judged its certificate. The first
	// thing that a server says to one that it accepts is a line.
	if _, err := bufio.NewReader(conn).ReadSlice('\n'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return fmt.Errorf("the seed refuses: %w", err)
	}
	return nil
}
