package meshlog

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Seeds say every few seconds where the log ends, and entries come at once.
func TestWhatSeedsKnewBeforeAnEntryCameIsNotTheLogGoingBack(t *testing.T) {
	h := several(t, meshtest.New(meshtest.Options{}), 1)[0]
	for range 3 {
		h.order(mesh.Cordon{Node: 1})
	}
	h.stop() // else it does what it is asked for here
	said := func(height uint64, age time.Duration) *meshosv1.MeshLink {
		return &meshosv1.MeshLink{Connected: true, Quorum: true, Beacon: &meshosv1.MeshLink_Beacon{Height: height, Age: durationpb.New(age)}}
	}
	h.Linked(&meshosv1.MeshLink{Connected: true})
	if from, is := h.toFill(); is {
		t.Errorf("nobody knows where the log ends, and it is filled up from %d on", from)
	}
	h.Linked(said(3, 5*time.Second))
	if from, is := h.toFill(); is {
		t.Errorf("it is filled up from %d on", from)
	}
	h.Linked(said(3, 0))
	if from, is := h.toFill(); !is || from != 4 {
		t.Errorf("what is known now: it is filled up from %d on: %v", from, is)
	}
	h.Linked(said(4, 0))
	if from, is := h.toFill(); is {
		t.Errorf("it is filled up from %d on", from)
	}
}

// text is a log that is read.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *text) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

func (w *text) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

func TestAnEmptyLogIsFilledUpByOneAndSaidInWords(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 3)
	sameState(t, hosts...)
	before := len(n.Log())
	n.SetBack(0)
	until(t, "the log is as it was", func() bool { return len(n.Log()) >= before })
	said := func() (out string) {
		for _, h := range hosts {
			out += h.logs.String()
		}
		return out
	}
	const empty = "the seeds began with an empty log of the mesh, as they do when their number changes"
	until(t, "it is said", func() bool { return strings.Contains(said(), empty) })
	if got := hosts[1].order(mesh.Cordon{Node: 2}); got != "unverified" {
		t.Errorf("the next order: %s", got)
	}
	sameState(t, hosts...)
	if got := said(); strings.Count(got, empty) != 1 || strings.Contains(got, "WARN") {
		t.Errorf("it was said: %s", got)
	}
}
