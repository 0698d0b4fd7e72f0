package meshlog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestNodesJoinWithTokensAndFoldTheSame(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 4)
	var all sync.WaitGroup
	const each = 10
	for _, h := range hosts {
		all.Go(func() {
			for range each {
				if got := h.order(mesh.Cordon{Node: h.id}); got != "unverified" {
					t.Errorf("node %d: %s", h.id, got)
				}
			}
		})
	}
	all.Wait()
	sameState(t, hosts...)
	// 1 founding, and a token and a joining for each of the others.
	if want := uint64(1 + 3*2 + 4*each); hosts[0].height() != want {
		t.Errorf("height %d, want %d", hosts[0].height(), want)
	}
	for _, h := range hosts[1:] {
		until(t, "all have folded the same", func() bool { return slices.Equal(h.foldedKinds(), hosts[3].foldedKinds()) })
	}
	if _, err := os.Stat(filepath.Join(hosts[1].dir, "mesh", joiningName)); !os.IsNotExist(err) {
		t.Errorf("the token is still there: %v", err)
	}
}

func TestATokenOfAnotherMeshIsNotFollowed(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	first := several(t, n, 1)[0]
	token := clustertest.TokenKey(2)
	first.order(mesh.AdmitNode{Node: 2, TokenKey: token.Public(), Expires: time.Now().Add(time.Hour)})
	dir := t.TempDir()
	if err := StoreJoining(dir, Token{Cluster: "c", Node: 2, Founding: cluster.Hash{1}, Seeds: []string{"x:1"}, Key: token.Seed(), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	h := start(t, n, 2, dir, nil)
	until(t, "it is said", func() bool { return strings.Contains(h.said(), "another mesh") })
	if h.height() != 0 {
		t.Error("it was folded")
	}
}

func TestACutOffNodeRefusesAtOnce(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 3)
	n.Cut([]uint64{1}, []uint64{2, 3})
	until(t, "the link says it", func() bool { return reachable(hosts[0].Log) != nil })
	if got := hosts[0].order(mesh.Cordon{Node: 1}); got != KindUnreachable {
		t.Errorf("the minority says %s", got)
	}
	if got := hosts[1].order(mesh.Cordon{Node: 2}); got != "unverified" {
		t.Errorf("the majority says %s", got)
	}
	n.Heal()
	sameState(t, hosts...)
	until(t, "the node that was cut off has folded it", func() bool {
		return slices.Contains(hosts[0].foldedKinds(), fmt.Sprintf("%d cordon", hosts[0].height()))
	})
}

func TestAnOrderWhoseAnswerIsLostIsFoundInTheLog(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	h := several(t, n, 1)[0]
	n.LoseAnswers(true)
	if got := h.order(mesh.Cordon{Node: 1}); got != "unverified" {
		t.Errorf("says %s", got)
	}
	if h.height() != 2 {
		t.Errorf("height %d", h.height())
	}
}

func TestTheSameCommandAgainHasTheSameAnswer(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	h := several(t, n, 1)[0]
	l := clustertest.New(t, false)
	l.Now = time.Now()
	commit := clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), clustertest.Alice)
	signed := signedOf(commit)
	first, err := h.Commit(t.Context(), signed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Commit(t.Context(), signed)
	if err != nil || again.Ordered.Height != first.Ordered.Height || h.height() != 2 {
		t.Errorf("%+v, then %+v, %v; height %d", first, again, err, h.height())
	}
}

func TestALogThatWentBackIsFilledUp(t *testing.T) {
	for _, height := range []uint64{3, 0} {
		t.Run(fmt.Sprintf("to height %d", height), func(t *testing.T) {
			n := meshtest.New(meshtest.Options{})
			hosts := several(t, n, 3)
			for range 5 {
				hosts[1].order(mesh.Cordon{Node: 2})
			}
			sameState(t, hosts...)
			before := n.Log()
			n.SetBack(height)
			until(t, "the log is as it was", func() bool { return len(n.Log()) >= len(before) })
			for i, e := range n.Log()[:len(before)] {
				if cluster.HashOf(e) != cluster.HashOf(before[i]) {
					t.Errorf("height %d is another one", i+1)
				}
			}
			if got := hosts[2].order(mesh.Uncordon{Node: 2}); got != "unverified" {
				t.Errorf("the next order: %s", got)
			}
			sameState(t, hosts...)
			if len(n.Log()) != len(before)+1 {
				t.Errorf("%d entries, there were %d", len(n.Log()), len(before))
			}
		})
	}
}

func TestAForkFreezesTheLogAndSaysBothHashes(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 2)
	n.Cut([]uint64{1}, []uint64{2})
	hosts[1].stop()
	hosts[0].stop() // it would fill the log up again
	n.SetBack(3)
	n.Heal()
	// Node 1 goes on at another place than node 2 is.
	dir := hosts[0].dir
	if err := os.RemoveAll(filepath.Join(dir, "mesh", "log")); err != nil {
		t.Fatal(err)
	}
	s := cluster.New()
	for _, e := range n.Log() {
		c, err := s.Check(e)
		if err != nil {
			t.Fatal(err)
		}
		s.Fold(c)
	}
	raw, err := s.Seal(clustertest.Unsigned(mesh.Cordon{Node: 1}), 1, time.Now(), keyOf(1))
	if err != nil {
		t.Fatal(err)
	}
	if s.Height() != 3 {
		t.Fatalf("the network kept %d entries", s.Height())
	}
	logged := &meshosv1.LoggedEntry{Entry: raw, LogTime: timestamppb.Now()}
	own := hosts[1].Log
	if err := own.Take(t.Context(), []*meshosv1.LoggedEntry{logged}); err != nil && frozen(own) == "" && own.state.Height() > 3 {
		t.Fatal(err)
	}
	other := proto.CloneOf(logged)
	other.LogTime = timestamppb.New(time.Now().Add(time.Second))
	if err := own.Take(t.Context(), []*meshosv1.LoggedEntry{other}); err != nil {
		t.Fatal(err)
	}
	until(t, "it is said", func() bool { return strings.Contains(hosts[1].said(), "differs from this node's record at height 4") })
	if v := own.View(); v.GetFrozen() == "" {
		t.Error("the log is not frozen")
	}
	before := own.height2()
	if err := own.Take(t.Context(), []*meshosv1.LoggedEntry{other}); err != nil || own.height2() != before {
		t.Errorf("an entry behind the fork: %v", err)
	}
}

func TestARecordIsReadAgainAfterARestart(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 2)
	hosts[0].order(mesh.Drain{Node: 2})
	hosts[0].order(mesh.RestartAllDaemons{Node: 2})
	sameState(t, hosts...)
	before := hosts[1].View()
	hosts[1].stop()
	hosts[1].open(before.GetHeight() - 2) // its state had not the last two when it was killed
	after := hosts[1].View()
	if string(after.GetAdminState()) != string(before.GetAdminState()) || after.GetHeight() != before.GetHeight() {
		t.Errorf("before %v, after %v", before, after)
	}
	var later []string
	for _, in := range hosts[1].Later() {
		later = append(later, in.Input.(mesh.JudgedCommit).Event.Kind())
	}
	if want := []string{"drain", "restart_all_daemons"}; !slices.Equal(later, want) {
		t.Errorf("the state lacks %v, want %v", later, want)
	}
	until(t, "a link", func() bool { return reachable(hosts[1].Log) == nil })
	if got := hosts[1].order(mesh.Uncordon{Node: 2}); got != "unverified" {
		t.Errorf("after the restart: %s", got)
	}
}

func TestWhatWasRecordedAndNotFoldedIsAuditedOnce(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	h := several(t, n, 1)[0]
	h.order(mesh.Drain{Node: 1})
	h.order(mesh.RestartAllDaemons{Node: 1})
	for _, audited := range []uint64{1, 3} { // killed before the audit records were on disk, and after
		h.stop()
		h.mu.Lock()
		h.verdicts = nil
		h.mu.Unlock()
		h.open(audited)
		until(t, "a link", func() bool { return reachable(h.Log) == nil })
		if got := h.order(mesh.Cordon{Node: 1}); got != "unverified" {
			t.Fatalf("after the restart: %s", got)
		}
		var got []string
		h.mu.Lock()
		for _, v := range h.verdicts {
			got = append(got, fmt.Sprintf("%d %s %v %v", v.Ordered.Height, v.Event.Kind(), v.Restored, v.Late))
		}
		h.mu.Unlock()
		want := []string{"2 drain true false", "3 restart_all_daemons true true", "4 cordon false false"}
		if audited == 3 {
			want = []string{"4 cordon true false", "5 cordon false false"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("audited up to %d: %q, want %q", audited, got, want)
		}
	}
}

func TestADamagedRecordIsFetchedAgain(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 2)
	for range 5 {
		hosts[0].order(mesh.Cordon{Node: 2})
	}
	sameState(t, hosts...)
	want := hosts[0].View()
	hosts[1].stop()
	files, err := filepath.Glob(filepath.Join(Dir(hosts[1].dir), "*.rec"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	_ = os.Chmod(files[0], 0o600)
	if err := os.WriteFile(files[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	hosts[1].open(want.GetHeight())
	if len(hosts[1].Notes()) == 0 {
		t.Error("nothing is said of the damage")
	}
	sameState(t, hosts...)
	hosts[1].stop()
	hosts[1].open(want.GetHeight())
	if v := hosts[1].View(); v.GetHeight() != want.GetHeight() || string(v.GetAdminState()) != string(want.GetAdminState()) {
		t.Errorf("the record after the repair: %v", v)
	}
}

func TestARecordWithoutABeginningIsFetchedAgain(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"its header is damaged": func(t *testing.T, file string) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			raw[3] ^= 1
			_ = os.Chmod(file, 0o600)
			if err := os.WriteFile(file, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"it is empty": func(t *testing.T, file string) {
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
		},
		"its folder is gone": func(t *testing.T, file string) {
			if err := os.RemoveAll(filepath.Dir(file)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := several(t, meshtest.New(meshtest.Options{}), 2)
			for range 3 {
				hosts[0].order(mesh.Cordon{Node: 2})
			}
			sameState(t, hosts...)
			want := hosts[0].View()
			hosts[1].stop()
			files, err := filepath.Glob(filepath.Join(Dir(hosts[1].dir), "*.rec"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			damage(t, files[0])
			if belongs, err := Belongs(hosts[1].dir); err != nil || !belongs {
				t.Fatalf("it belongs to a mesh: %v, %v", belongs, err)
			}
			hosts[1].open(want.GetHeight())
			if len(hosts[1].Notes()) == 0 || !hosts[1].Active() {
				t.Errorf("nothing is said of the damage, or it takes orders for itself: %q", hosts[1].Notes())
			}
			if len(hosts[1].Members().GetPinnedSeeds()) == 0 {
				t.Error("it trusts no seed")
			}
			sameState(t, hosts...)
			hosts[1].stop()
			hosts[1].open(want.GetHeight())
			if v := hosts[1].View(); v.GetHeight() != want.GetHeight() || string(v.GetAdminState()) != string(want.GetAdminState()) {
				t.Errorf("the record after the repair: %v", v)
			}
		})
	}
}

func TestAMomentaryOrderThatComesLateIsNotDone(t *testing.T) {
	begin := time.Now().Add(-time.Hour)
	n := meshtest.New(meshtest.Options{Now: func() time.Time { return begin.Add(time.Second) }})
	first := start(t, n, 1, found(t, begin), func() time.Time { return begin.Add(time.Second) })
	until(t, "a link", func() bool { return reachable(first.Log) == nil })
	token := clustertest.TokenKey(2)
	first.order(mesh.AdmitNode{Node: 2, TokenKey: token.Public(), Expires: time.Now().Add(time.Hour)})
	first.order(mesh.RestartAllDaemons{Node: 1})
	first.order(mesh.Drain{Node: 1})
	dir := t.TempDir()
	if err := StoreJoining(dir, Token{Cluster: "c", Node: 2, Founding: first.state.Founding(), Seeds: []string{"x:1"}, Key: token.Seed(), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	second := start(t, n, 2, dir, nil) // whose clock is right
	until(t, "it has folded", func() bool { return len(second.foldedKinds()) >= 4 })
	got := second.foldedKinds()[:4]
	if want := []string{"1 admit_node", "2 admit_node", "3 restart_all_daemons late", "4 drain"}; !slices.Equal(got, want) {
		t.Errorf("folded %v, want %v", got, want)
	}
	until(t, "it is a member that is linked", func() bool { return reachable(second.Log) == nil })
	if got := second.order(mesh.Cordon{Node: 1}); got != cluster.KindVoid {
		t.Errorf("an order of a clock that is an hour ahead of the log's: %s", got)
	}
}

func TestAnotherStateAtTheSameHeightIsAnAlarm(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 2)
	sameState(t, hosts...)
	said := &meshosv1.NodeSummary{}
	hosts[1].Complete(said)
	hosts[0].Heard(2, said)
	if got := hosts[0].Differs(2); got != "" {
		t.Errorf("node 2 %s", got)
	}
	said.AdminState[0] ^= 1
	hosts[0].Heard(2, said)
	if got, want := hosts[0].Differs(2), fmt.Sprintf("differs at height %d", said.GetHeight()); got != want {
		t.Errorf("node 2 %q, want %q", got, want)
	}
	until(t, "it is reported", func() bool { return strings.Contains(hosts[0].said(), "node 2 differs at height") })
	if got, want := hosts[0].Alarms(), fmt.Sprintf("map[2:differs at height %d]", said.GetHeight()); fmt.Sprint(got) != want {
		t.Errorf("alarms %v, want %s", got, want)
	}
	hosts[0].order(mesh.ExpelNode{Node: 2})
	until(t, "who is expelled is no alarm any more", func() bool { return hosts[0].Alarms() == nil })
}

// frozen returns why a log folds nothing any more.
func frozen(l *Log) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	why, _ := l.follower.Frozen()
	return why
}

// reachable returns why nothing can be ordered now.
func reachable(l *Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.follower.Reachable()
}
