package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/mesh"
)

func rtt(peer mesh.NodeID) mesh.Event { return mesh.RTTSample{Peer: peer, RTT: 300 * time.Millisecond} }

func line(peer int) string { return fmt.Sprintf(`{"rtt_sample":{"peer":%d,"rtt":"0.3s"}}`, peer) }

func TestPublishFromArgumentsFileAndStandardInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events")
	for _, c := range []struct {
		name, file, in string
		args           []string
		want           []mesh.Event
	}{
		{name: "arguments", args: []string{line(2), line(3)}, want: []mesh.Event{rtt(2), rtt(3)}},
		{name: "a list", args: []string{"[" + line(2) + "," + line(3) + "]"}, want: []mesh.Event{rtt(2), rtt(3)}},
		{
			name: "camel case is the same", args: []string{`{"rttSample":{"peer":"2","rtt":"0.3s"}}`}, want: []mesh.Event{rtt(2)},
		},
		{name: "lines of a file", file: line(2) + "\n\n" + line(3) + "\n", args: []string{"-f", file}, want: []mesh.Event{rtt(2), rtt(3)}},
		{
			name: "a list over lines", file: "[\n" + line(2) + ",\n" + line(3) + "\n]\n" + line(4), args: []string{"-f", file},
			want: []mesh.Event{rtt(2), rtt(3), rtt(4)},
		},
		{name: "standard input, after arguments", in: line(3), args: []string{line(2), "-f", "-"}, want: []mesh.Event{rtt(2), rtt(3)}},
		{name: "after a byte-order mark", file: "\ufeff" + line(2) + "\n", args: []string{"-f", file}, want: []mesh.Event{rtt(2)}},
		{name: "the same on standard input", in: "\ufeff" + line(3), args: []string{"-f", "-"}, want: []mesh.Event{rtt(3)}},
		{name: "an empty file", args: []string{"-f", file}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			n, s := start(t)
			s.in = c.in
			if code := s.run(t.Context(), append([]string{"publish"}, c.args...)...); code != exitDone {
				t.Fatalf("exit code %d: %s", code, s.err.String())
			}
			if diff := cmp.Diff(c.want, n.heard); diff != "" {
				t.Errorf("-want +heard:\n%s", diff)
			}
			if want := view.Counted(len(c.want), "event") + " accepted\n"; s.out.String() != want {
				t.Errorf("said %s, want %s", s.out.String(), want)
			}
		})
	}
}

func TestPublishOfMoreThanOneRequest(t *testing.T) {
	n, s := start(t)
	for i := range 2500 {
		s.in += line(i+1) + "\n"
	}
	if code := s.run(t.Context(), "publish", "-f", "-", "-o", "json"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	if s.out.String() != `{"accepted":2500}`+"\n" || len(n.heard) != 2500 || n.heard[2499] != rtt(2500) {
		t.Errorf("said %s, heard %d", s.out.String(), len(n.heard))
	}
}

func TestPublishSendsNothingIfOneEventCannotBeRead(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{line(2) + "\n" + `{"rtt_sampl":{}}`, `standard input, event 2 (line 2): (line 1:2): unknown field "rtt_sampl"`},
		{line(2) + "\n{", "standard input (line 2): not JSON: unexpected EOF"},
		{`["x"]`, `standard input, event 1: `},
		{"7", "standard input, event 1: "},
	} {
		n, s := start(t)
		s.in = c.in
		code := s.run(t.Context(), "publish", "-f", "-")
		if code != exitUsage || !strings.HasPrefix(s.err.String(), "meshos: "+c.want) || len(n.heard) != 0 {
			t.Errorf("%s: exit code %d, heard %d: %s", c.in, code, len(n.heard), s.err.String())
		}
	}
}

func TestAnEventThatTheNodeRejectsIsNamed(t *testing.T) {
	n, s := start(t)
	code := s.run(t.Context(), "publish", line(2), `{"rtt_sample":{"peer":2}}`)
	if code != exitRejected || s.err.String() != "meshos: rejected: argument 2: rtt_sample.rtt: must be set\n" || len(n.heard) != 0 {
		t.Errorf("exit code %d, heard %d: %s", code, len(n.heard), s.err.String())
	}
}

func TestAFullQueueShowsHowManyEventsWereAccepted(t *testing.T) {
	n, s := start(t)
	n.capacity = 1
	code := s.run(t.Context(), "publish", line(2), line(3), "--timeout", "1s")
	want := "meshos: 1 of 2 events accepted: the node's event queue stayed full; send the rest again later\n" +
		"    accepted in all: 1 event\n"
	if code != exitFailed || s.err.String() != want {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestB20_EveryRefusedEventIsNamed(t *testing.T) {
	n, s := start(t)
	code := s.run(t.Context(), "publish", line(2), `{"shutdown":{}}`, line(3), `{"shutdown":{}}`)
	const want = "meshos: rejected: argument 2: unsigned: it must be signed\n    argument 4: unsigned: it must be signed\n"
	if code != exitRejected || s.out.String() != "2 events accepted\n" || s.err.String() != want || len(n.heard) != 2 {
		t.Errorf("exit code %d, heard %d: %s%s", code, len(n.heard), s.out.String(), s.err.String())
	}
	n, s = start(t)
	for i := range 1500 {
		s.in += line(i+1) + "\n"
	}
	s.in += `{"shutdown":{}}`
	code = s.run(t.Context(), "publish", "-f", "-", "-o", "json")
	const json = `{"accepted":1500,"refused":[{"index":1500,"kind":"unsigned","message":"it must be signed"}]}` + "\n"
	if code != exitRejected || s.out.String() != json || len(n.heard) != 1500 ||
		!strings.Contains(s.err.String(), "standard input, event 1501 (line 1501): unsigned") {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
}
