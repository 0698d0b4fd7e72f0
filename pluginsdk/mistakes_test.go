package pluginsdk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The tests of this file are about mistakes of authors that the compiler accepts.

func TestAConstructorThatReturnsNothingFailsAtOnce(t *testing.T) {
	p := plugintest.Serve(t, func(pluginsdk.Env, none) (*probe, error) { return nil, nil })
	err := p.ReconfigureRaw(nil)
	if err == nil || !strings.Contains(err.Error(), "the constructor returned neither an instance nor an error") {
		t.Errorf("got %v", err)
	}
	if _, err := p.SampleRTT(); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("then a call gets %v", err)
	}
}

// nearly has only methods with the wrong signature.
type nearly struct{}

func (nearly) SampleRTT(context.Context) ([]pluginsdk.RTTSample, error) { return nil, nil }
func (nearly) Close()                                                   {}

// half has one method with the right signature.
type half struct{ nearly }

func (half) Deliver(context.Context, *pluginv1.ControlEvent) error { return nil }

func TestMethodsWithAnotherSignatureAreNamed(t *testing.T) {
	_, err := pluginsdk.NewServer(pluginsdk.Info{Name: "x"}, always(nearly{}), nil)
	want := "plugin x: pluginsdk_test.nearly has the methods of no kind; its method SampleRTT is never called: that of locality_probe is " +
		"SampleRTT(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error); its method Close is never called: that of an io.Closer is Close() error"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	d := newDiary()
	p := plugintest.Start(t, always(half{}), none{}, plugintest.WithLogs(d))
	if err := p.Deliver(&pluginv1.ControlEvent{}); err != nil {
		t.Error(err)
	}
	log := strings.Join(d.read(), "")
	for _, want := range []string{"its method SampleRTT is never called", "its method Close is never called"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
}

// unlucky panics wherever a configuration is checked.
type unlucky struct{ closed *bool }

func (unlucky) Deliver(context.Context, *pluginv1.ControlEvent) error { return nil }
func (unlucky) Warnings() []string                                    { panic("no words") }
func (w unlucky) Close() error                                        { *w.closed = true; return nil }

type checked struct {
	N int `json:"n"`
}

func (checked) Validate() error { panic("no judgement") }

func TestAPanicInWarningsAndValidateFailsTheConfiguration(t *testing.T) {
	closed := false
	p := plugintest.Serve(t, always(unlucky{&closed}))
	err := p.ReconfigureRaw(nil)
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "panic in Warnings: no words") {
		t.Errorf("got %v", err)
	}
	if !closed {
		t.Error("the instance that nobody got was not closed")
	}
	q := plugintest.Serve(t, func(pluginsdk.Env, checked) (unlucky, error) { return unlucky{&closed}, nil })
	err = q.Validate(nil)
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "panic in Validate: no judgement") {
		t.Errorf("got %v", err)
	}
}

// garbled answers with text that is not UTF-8.
type garbled struct{}

func (garbled) SampleInventory(context.Context) ([]*meshosv1.PeerInventory, error) {
	version := "a\xffb"
	return []*meshosv1.PeerInventory{{Peer: 1}, {Peer: 2, SoftwareVersion: &version}}, nil
}

func (garbled) Abort(context.Context, uint64, string) error {
	return pluginsdk.UnavailableAfter(errors.New("a\xffb is away"), time.Second)
}

func TestTextThatIsNotUTF8IsNamed(t *testing.T) {
	p := plugintest.Start(t, always(garbled{}), none{})
	_, err := p.SampleInventory()
	want := `InventorySamples.samples[1].software_version is not valid UTF-8: "a\xffb"`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	err = p.Abort(1, "")
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || st.Message() != "a\uFFFDb is away" || len(st.Details()) != 1 {
		t.Errorf("got %v with %v", err, st.Details())
	}
}

// bystander has SetPeers and is not a probe.
type bystander struct{ calls chan int }

func (bystander) Deliver(context.Context, *pluginv1.ControlEvent) error { return nil }
func (b bystander) SetPeers(peers []pluginsdk.Peer)                     { b.calls <- len(peers) }

func TestAPluginWithoutAProbeGetsNoPeers(t *testing.T) {
	calls := make(chan int, 9)
	p := plugintest.Start(t, always(bystander{calls}), none{})
	if err := p.Deliver(&pluginv1.ControlEvent{}); err != nil || len(calls) != 0 {
		t.Errorf("called %d times, %v", len(calls), err)
	}
}
