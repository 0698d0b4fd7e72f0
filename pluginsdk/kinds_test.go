package pluginsdk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestAPluginServesTheKindsThatItsTypeImplements(t *testing.T) {
	all, err := plugintest.Serve(t, always(everything{}),
		plugintest.WithInfo(pluginsdk.Info{Name: "all", Version: "3", NoOp: true, Doc: "All kinds."})).Describe()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"locality_probe", "health_probe", "inventory_probe", "placement_scorer", "migration_aborter",
		"migration_source", "chain_appender", "actuator", "event_source", "recovery_handler", "control_sink",
		"mesh",
	}
	if d := cmp.Diff(want, all.GetKinds()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, wire.Kinds()); d != "" {
		t.Error(d)
	}
	if all.GetName() != "all" || all.GetVersion() != "3" || !all.GetNoOp() ||
		!strings.Contains(all.GetConfigSchema(), `"description":"All kinds."`) {
		t.Errorf("described as %v", all)
	}
	one, err := plugintest.Serve(t, always(&probe{})).Describe()
	if err != nil || !cmp.Equal(one.GetKinds(), []string{"locality_probe"}) {
		t.Errorf("got %v, %v", one.GetKinds(), err)
	}
}

func TestAnInterfaceHasNoKinds(t *testing.T) {
	_, err := pluginsdk.NewServer(pluginsdk.Info{Name: "x"},
		func(pluginsdk.Env, none) (any, error) { return everything{}, nil }, nil)
	if err == nil || !strings.Contains(err.Error(), "must return a concrete type") {
		t.Fatalf("got %v", err)
	}
}

func TestATypeOfNoKindIsRefusedWithTheReason(t *testing.T) {
	_, err := pluginsdk.NewServer(pluginsdk.Info{Name: "x"},
		func(pluginsdk.Env, none) (probe, error) { return probe{}, nil }, nil)
	want := "plugin x: pluginsdk_test.probe has the methods of no kind; *pluginsdk_test.probe has: return a pointer"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = pluginsdk.NewServer(pluginsdk.Info{Name: "x"},
		func(pluginsdk.Env, none) (*none, error) { return nil, nil }, nil)
	if err == nil || err.Error() != "plugin x: *pluginsdk_test.none has the methods of no kind" {
		t.Errorf("got %v", err)
	}
}

func TestEveryKindIsServed(t *testing.T) {
	plugin := plugintest.Start(t, always(everything{}), none{})
	peers := []pluginsdk.Peer{{ID: 1<<64 - 1}, {ID: 2}, {ID: 3}, {ID: 4}}

	rtts, err := plugin.SampleRTT(peers...)
	if err != nil || len(rtts) != 4 || rtts[0] != (pluginsdk.RTTSample{Peer: 1<<64 - 1, RTT: -1}) {
		t.Errorf("rtt: %v, %v", rtts, err)
	}
	health, err := plugin.SampleHealth()
	if d := cmp.Diff([]pluginsdk.HealthSample{
		{Peer: 2, Health: pluginsdk.Healthy},
		{Peer: 3, Health: pluginsdk.Degraded},
		{Peer: 4, Health: pluginsdk.Unreachable},
	}, health); d != "" || err != nil {
		t.Errorf("health: %v, %s", err, d)
	}
	if got, err := plugin.SampleInventory(); err != nil || len(got) != 2 || got[1].GetPeer() != 2 {
		t.Errorf("inventory: %v, %v", got, err)
	}
	scores, err := plugin.Score(pluginsdk.View{Version: 5, Chains: []*pluginv1.ChainView{{Chain: 9}}})
	if err != nil || len(scores) != 1 || scores[0].GetChain() != 9 {
		t.Errorf("score: %v, %v", scores, err)
	}
	wantError(t, plugin.Abort(8, "because"), codes.NotFound, "because")
	if got, err := plugin.ListMigrations(); err != nil || len(got) != 1 || got[0].GetMigration() != 7 {
		t.Errorf("migrations: %v, %v", got, err)
	}
	if err := plugin.Append(&meshosv1.Record{}, &meshosv1.Record{}); err != nil {
		t.Errorf("append: %v", err)
	}
	action := &meshosv1.Action{Kind: &meshosv1.Action_StartDaemon{
		StartDaemon: &meshosv1.StartDaemon{Daemon: &meshosv1.DaemonRef{Name: "d"}},
	}}
	if got, err := plugin.Dispatch(1, action); err != nil || got[0].GetLogLine().GetMessage() != "d" {
		t.Errorf("dispatch: %v, %v", got, err)
	}
	if got, err := plugin.Events(9); err != nil || len(got) != 3 || got[2].GetLogLine().GetMessage() != "c" {
		t.Errorf("events: %v, %v", got, err)
	}
	slots, events, err := plugin.Recover(1, 2, 3)
	if err != nil || !cmp.Equal(slots, []uint32{3}) || len(events) != 1 {
		t.Errorf("recover: %v, %v, %v", slots, events, err)
	}
	if err := plugin.Deliver(&pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_BackpressureOn{BackpressureOn: 0.5}}); err != nil {
		t.Errorf("deliver: %v", err)
	}
}

func TestAKindThatIsNotServedIsUnimplemented(t *testing.T) {
	_, err := plugintest.Start(t, always(&probe{}), none{}).SampleHealth()
	wantError(t, err, codes.Unimplemented, "unknown service meshos.plugin.v1.HealthProbe")
}

func TestTenThousandPeersComeBackWhole(t *testing.T) {
	plugin := plugintest.Start(t, always(everything{}), none{})
	peers := make([]pluginsdk.Peer, 10_000)
	for i := range peers {
		peers[i] = pluginsdk.Peer{ID: uint64(i + 1), Address: "10.0.0.1"}
	}
	got, err := plugin.SampleRTT(peers...)
	if err != nil || len(got) != len(peers) {
		t.Fatalf("%d samples, %v", len(got), err)
	}
	for i, s := range got {
		if s.Peer != uint64(i+1) || s.RTT != time.Duration(i+1) {
			t.Fatalf("sample %d is %v", i, s)
		}
	}
}

// A column that no sample needs is not sent.
func TestSamplesComeBackWithAllThatGoesWithThem(t *testing.T) {
	want := []pluginsdk.RTTSample{
		{Peer: 5, RTT: time.Millisecond, Sent: 20, Received: 19, Jitter: time.Microsecond},
		{Peer: 6, Sent: 20, Reason: "timed out"},
		{Peer: 7, Reason: "no such name"},
		{Peer: 8, RTT: time.Second, Sent: 20, Received: 1, Late: 19, Round: 7},
		{Peer: 9, Sent: 20, Round: 8, Unanswered: 3, NoAnswer: pluginsdk.NoAnswerTimedOut, Reason: "timed out"},
		{Peer: 10, NoAnswer: pluginsdk.NoAnswerNotSent, Reason: "not sent: no route"},
	}
	sample := slices.Clone(want)
	sample[4].Reason = "" // the words of NoAnswer
	firstRound := true
	plugin := plugintest.Start(t, always(&probe{
		sample: func(ctx context.Context, _ []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			if !firstRound {
				pluginsdk.Complete(ctx)
			}
			return sample, nil
		},
	}), none{})
	got, err := plugin.SampleRTT()
	if err != nil || !slices.Equal(got, want) || plugin.Complete() {
		t.Errorf("got %+v, complete %v, %v", got, plugin.Complete(), err)
	}
	firstRound, sample = false, want[:0]
	if got, err := plugin.SampleRTT(); err != nil || len(got) != 0 || !plugin.Complete() {
		t.Errorf("empty: got %+v, complete %v, %v", got, plugin.Complete(), err)
	}
	sample = []pluginsdk.RTTSample{{Peer: 5, RTT: time.Millisecond}}
	raw, err := pluginv1.NewLocalityProbeClient(plugin.Conn()).SampleRtt(t.Context(), &pluginv1.SampleRequest{})
	if err != nil || len(raw.GetRttNs()) != 1 || len(raw.GetSent())+len(raw.GetReceived())+len(raw.GetJitterNs())+len(raw.GetReasons()) != 0 {
		t.Errorf("got %v, %v", raw, err)
	}
	pluginsdk.Complete(t.Context()) // of no call: nothing happens
}

// verdicts is a health probe of fixed answers.
type verdicts []pluginsdk.HealthSample

func (v verdicts) SampleHealth(ctx context.Context, _ []pluginsdk.Peer) ([]pluginsdk.HealthSample, error) {
	pluginsdk.Complete(ctx)
	return v, nil
}

func TestAReasonStaysWithItsPeer(t *testing.T) {
	down := pluginsdk.HealthSample{Peer: 7, Health: pluginsdk.Unreachable, Reason: "refused"}
	up := pluginsdk.HealthSample{Peer: 6, Health: pluginsdk.Healthy}
	plugin := plugintest.Start(t, always(verdicts{{Peer: 5, Reason: "of unknown health"}, up, down}), none{})
	got, err := plugin.SampleHealth()
	if err != nil || !slices.Equal(got, []pluginsdk.HealthSample{up, down}) || !plugin.Complete() {
		t.Errorf("got %+v, complete %v, %v", got, plugin.Complete(), err)
	}
}

func TestEachCallGetsItsOwnSliceOfPeers(t *testing.T) {
	plugin := plugintest.Start(t, always(&probe{
		sample: func(_ context.Context, peers []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			peers[0].ID++
			return []pluginsdk.RTTSample{{Peer: peers[0].ID}}, nil
		},
	}), none{}, plugintest.WithPeers(pluginsdk.Peer{ID: 5}))
	for range 2 {
		if got, err := plugin.SampleRTT(); err != nil || got[0].Peer != 6 {
			t.Fatalf("got %v, %v", got, err)
		}
	}
}

func TestAnAnswerThatIsTooLargeFailsTheCall(t *testing.T) {
	plugin := plugintest.Start(t, always(&probe{
		sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			return make([]pluginsdk.RTTSample, 1_000_000), nil
		},
	}), none{})
	_, err := plugin.SampleRTT()
	wantError(t, err, codes.ResourceExhausted,
		"the answer of SampleRtt has 9000009 bytes, over the limit of 4194304: return less in one call")
}

func TestARequestThatIsTooLargeFailsTheCall(t *testing.T) {
	plugin := plugintest.Start(t, always(everything{}), none{})
	record := &meshosv1.Record{Kind: &meshosv1.Record_Failure{
		Failure: &meshosv1.FailureRecord{Reason: strings.Repeat("x", wire.MaxMessage)},
	}}
	wantError(t, plugin.Append(record), codes.ResourceExhausted,
		"grpc: received message larger than max (4194319 vs. 4194304)")
}

func TestALongErrorIsCut(t *testing.T) {
	plugin := plugintest.Start(t, always(&probe{
		sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			return nil, errors.New(strings.Repeat("ä", 1<<20))
		},
	}), none{})
	_, err := plugin.SampleRTT()
	wantError(t, err, codes.Unknown, strings.Repeat("ä", 2048)+" … (cut)")
}

func BenchmarkTenThousandPeers(b *testing.B) {
	plugin := plugintest.Start(b, always(everything{}), none{})
	peers := make([]pluginsdk.Peer, 10_000)
	for i := range peers {
		peers[i] = pluginsdk.Peer{ID: uint64(i + 1), Address: "10.0.0.1"}
	}
	if err := plugin.SetPeers(peers...); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := plugin.SampleRTT(); err != nil {
			b.Fatal(err)
		}
	}
}
