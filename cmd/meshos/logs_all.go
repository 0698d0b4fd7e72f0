package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// nodeLogs are the logs of all nodes of the mesh that are there.
type nodeLogs struct {
	a      *app
	follow bool
	json   bool
	in     *hostv1.TailRequest

	mu    sync.Mutex
	lines []nodeLine // unless they are followed: all of them, to be sorted
}

// nodeLine is a line of one node's log.
type nodeLine struct {
	at   time.Time
	text []byte
}

// show prints the logs of all nodes: sorted by their times, or as new lines come. A node that
// does not answer is said, and the others are shown.
func (l *nodeLogs) show(ctx context.Context, s *meshosv1.Snapshot) error {
	nodes := presentNodes(s)
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() {
			if errs[i] = l.of(ctx, node); errs[i] != nil && ctx.Err() == nil {
				l.a.note(fmt.Sprintf("node %s: %v", nameOrID(node.name, node.id), errs[i]))
			}
		})
	}
	all.Wait()
	slices.SortStableFunc(l.lines, func(a, b nodeLine) int { return a.at.Compare(b.at) })
	for _, line := range l.lines {
		if _, err := l.a.out.Write(line.text); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !slices.Contains(errs, nil) {
		return fmt.Errorf("no node answered: %w", errors.Join(errs...))
	}
	return nil
}

// presentNodes returns the node that was asked and the members that have a session.
func presentNodes(s *meshosv1.Snapshot) []ref {
	out := []ref{{s.GetNode(), s.GetInfo().GetName()}}
	for _, p := range s.GetPeers() {
		if p.GetMember() != nil && !p.GetMember().GetGone() && p.GetPeer() != s.GetNode() {
			out = append(out, ref{p.GetPeer(), p.GetName()})
		}
	}
	return out
}

// of reads the log of one node.
func (l *nodeLogs) of(ctx context.Context, of ref) error {
	node, err := l.a.connectTo(fmt.Sprint(of.id))
	if err != nil {
		return err
	}
	defer node.close()
	snapshot, err := node.snapshot(ctx)
	if err != nil {
		return err
	}
	a := *l.a
	line := &bytes.Buffer{}
	a.out = line
	names, printer := daemonNames(snapshot), a.printer(line)
	name := nameOrID(of.name, of.id)
	show := &recordPrinter[meshosv1.LogRecord, *meshosv1.LogRecord]{
		a: &a, json: l.json, node: name, filtered: isFiltered(l.in),
		line: func(r *meshosv1.LogRecord) (string, error) {
			return name + "  " + printer.LogRecord(r, names, a.now()), nil
		},
	}
	c := chain[meshosv1.LogRecord]{name: "log", tail: hostv1.HostClient.TailLogs, at: (*meshosv1.LogRecord).GetAt}
	take := func(r *meshosv1.LogRecord) error {
		line.Reset()
		if err := show.print(r); err != nil {
			return err
		}
		return l.take(r.GetAt().AsTime(), line.Bytes())
	}
	in := proto.CloneOf(l.in)
	if !l.follow {
		stream, err := c.tail(node.HostClient, ctx, in)
		return receive(ctx, node, stream, err, take)
	}
	return followRecords(ctx, &a, node, in, c, show, take)
}

// take prints a line, or keeps it to be sorted.
func (l *nodeLogs) take(at time.Time, text []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.follow {
		_, err := l.a.out.Write(text)
		return err
	}
	l.lines = append(l.lines, nodeLine{at, bytes.Clone(text)})
	return nil
}
