package pluginsdk_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// none is a configuration without keys.
type none struct{}

// always returns a constructor that always returns p.
func always[P any](p P) func(pluginsdk.Env, none) (P, error) {
	return func(pluginsdk.Env, none) (P, error) { return p, nil }
}

// probe is a locality probe made of functions. One that is nil does nothing.
type probe struct {
	sample func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error)
	run    func(context.Context) error
	peers  func([]pluginsdk.Peer)
	close  func() error
}

func (p *probe) SampleRTT(ctx context.Context, peers []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
	if p.sample == nil {
		return nil, nil
	}
	return p.sample(ctx, peers)
}

func (p *probe) Run(ctx context.Context) error {
	if p.run == nil {
		return nil
	}
	return p.run(ctx)
}

func (p *probe) SetPeers(peers []pluginsdk.Peer) {
	if p.peers != nil {
		p.peers(peers)
	}
}

func (p *probe) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// everything serves every kind. Its answers repeat the requests.
type everything struct{}

func (everything) SampleRTT(_ context.Context, peers []pluginsdk.Peer) (out []pluginsdk.RTTSample, _ error) {
	for _, p := range peers {
		out = append(out, pluginsdk.RTTSample{Peer: p.ID, RTT: time.Duration(p.ID)})
	}
	return out, nil
}

func (everything) SampleHealth(_ context.Context, peers []pluginsdk.Peer) (out []pluginsdk.HealthSample, _ error) {
	for i, p := range peers {
		out = append(out, pluginsdk.HealthSample{Peer: p.ID, Health: pluginsdk.Health(i)})
	}
	return out, nil
}

func (everything) SampleInventory(context.Context) ([]*meshosv1.PeerInventory, error) {
	return []*meshosv1.PeerInventory{{Peer: 1}, {Peer: 2}}, nil
}

func (everything) Score(_ context.Context, view pluginsdk.View) (out []*meshosv1.ChainScore, _ error) {
	for _, c := range view.Chains {
		out = append(out, &meshosv1.ChainScore{Chain: c.GetChain()})
	}
	return out, nil
}

func (everything) Abort(_ context.Context, id uint64, reason string) error {
	return pluginsdk.NotFound(errors.New(reason))
}

func (everything) ListMigrations(context.Context) ([]*meshosv1.MigrationView, error) {
	return []*meshosv1.MigrationView{{Migration: 7}}, nil
}

func (everything) Append(_ context.Context, records []*meshosv1.Record) error {
	if len(records) != 2 {
		return pluginsdk.Invalid(errors.New("two records were sent"))
	}
	return nil
}

func (everything) Dispatch(_ context.Context, id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	return []*meshosv1.Event{line(action.GetStartDaemon().GetDaemon().GetName())}, nil
}

func (everything) Events(_ context.Context, send func([]*meshosv1.Event) error) error {
	if err := send([]*meshosv1.Event{line("a"), line("b")}); err != nil {
		return err
	}
	return send([]*meshosv1.Event{line("c")})
}

func (everything) Recover(_ context.Context, healthy []uint64) ([]uint32, []*meshosv1.Event, error) {
	return []uint32{uint32(len(healthy))}, []*meshosv1.Event{line("recovered")}, nil
}

func (everything) Deliver(_ context.Context, event *pluginv1.ControlEvent) error {
	if event.GetBackpressureOn() != 0.5 {
		return pluginsdk.Invalid(errors.New("0.5 was sent"))
	}
	return nil
}

// line is an event that carries a text.
func line(text string) *meshosv1.Event {
	return &meshosv1.Event{Kind: &meshosv1.Event_LogLine{LogLine: &meshosv1.LogLine{Message: text}}}
}

// diary records what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func newDiary() *diary { return &diary{more: make(chan struct{}, 1000)} }

func (d *diary) add(text string) {
	d.mu.Lock()
	d.lines = append(d.lines, text)
	d.mu.Unlock()
	d.more <- struct{}{}
}

// Write records log lines.
func (d *diary) Write(b []byte) (int, error) {
	d.add(string(b))
	return len(b), nil
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

// until waits for n lines.
func (d *diary) until(t *testing.T, n int) []string {
	t.Helper()
	deadline := time.NewTimer(testkit.Patience)
	defer deadline.Stop()
	for len(d.read()) < n {
		select {
		case <-d.more:
		case <-deadline.C:
			t.Fatalf("waited for %d lines, got %q", n, d.read())
		}
	}
	return d.read()
}

// wantError checks code and text of a call's error.
func wantError(t *testing.T, err error, code codes.Code, text string) {
	t.Helper()
	if st := status.Convert(err); st.Code() != code || st.Message() != text {
		t.Errorf("\n got %v: %s\nwant %v: %s", st.Code(), st.Message(), code, text)
	}
}

// receive takes one value from c, or fails.
func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	deadline := time.NewTimer(testkit.Patience)
	defer deadline.Stop()
	select {
	case v := <-c:
		return v
	case <-deadline.C:
		t.Fatalf("waited 30 s for %s", what)
		panic("unreachable")
	}
}

// constant returns one time for every peer.
type constant struct{ rtt time.Duration }

func (c *constant) SampleRTT(_ context.Context, peers []pluginsdk.Peer) (out []pluginsdk.RTTSample, _ error) {
	for _, p := range peers {
		out = append(out, pluginsdk.RTTSample{Peer: p.ID, RTT: c.rtt})
	}
	return out, nil
}

func (everything) SetMembers(_ context.Context, members *pluginv1.SetMembersRequest) error {
	if len(members.GetMembers()) == 0 {
		return errors.New("no members")
	}
	return nil
}

func (everything) Follow(_ context.Context, from *pluginv1.FollowRequest, send func(*pluginv1.MeshBatch) error) error {
	return send(&pluginv1.MeshBatch{Ordered: []*meshosv1.LoggedEntry{{Entry: from.GetHead()}}})
}

func (everything) Order(_ context.Context, order *pluginv1.OrderRequest) error {
	switch order.GetHeight() {
	case 1:
		return pluginsdk.Aborted(errors.New("another was first"))
	case 2:
		return pluginsdk.Unknown(errors.New("no answer"))
	}
	return nil
}

func (everything) Tell(context.Context, *pluginv1.TellRequest) error { return nil }

func (everything) Ask(_ context.Context, question *pluginv1.AskRequest, send func([]byte) error) error {
	return errors.Join(send(question.GetRequest()), send([]byte("2")))
}

func (everything) Serve(_ context.Context, receive func() (*pluginv1.ServedAnswer, error), send func(*pluginv1.ServedQuestion) error) error {
	if err := send(&pluginv1.ServedQuestion{Id: 7}); err != nil {
		return err
	}
	answer, err := receive()
	if err != nil {
		return err
	}
	return send(&pluginv1.ServedQuestion{Id: answer.GetId() + 1})
}

func (everything) Join(_ context.Context, joining []byte) error {
	return pluginsdk.Unavailable(errors.New(string(joining)))
}
