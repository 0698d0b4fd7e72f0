package operator_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
)

func (r *rig) memory() string { return filepath.Join(r.opts.DataDir, "operator", "memory") }

func (r *rig) read() []byte {
	r.t.Helper()
	text, err := os.ReadFile(r.memory())
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

// reopen opens the authorizer on a memory with the given content.
func (r *rig) reopen(text []byte) {
	r.t.Helper()
	_ = r.Close()
	if err := os.WriteFile(r.memory(), text, 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.logged.Reset()
	r.open()
}

// TestB22_ATornTailIsCutAtEveryByte: every complete line is remembered. The last
// command is too, or is rejected since it may have been accepted.
func TestB22_ATornTailIsCutAtEveryByte(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var all []wire.Signed
	for range 3 {
		all = append(all, r.sign(r.command(cordon()), alice))
		want(t, r.Judge("api", all[len(all)-1]), "accepted")
	}
	text := r.read()
	r.after(time.Second)
	for n := range len(text) + 1 {
		r.reopen(text[:n])
		whole := bytes.Count(text[:n], []byte("\n"))
		torn := n > 0 && text[n-1] != '\n'
		for i, signed := range all {
			kind := rules.KindReplayed
			if i >= whole && !torn {
				kind = "accepted" // it was never written, so it was never answered
			}
			if want(t, r.Judge("api", signed), kind); t.Failed() {
				t.Fatalf("cut to %d of %d bytes, command %d", n, len(text), i)
			}
		}
		if got := strings.Contains(r.logged.String(), fmt.Sprintf("line=%d", whole+1)); got != torn {
			t.Fatalf("cut to %d bytes, it says %q", n, r.logged.String())
		}
	}
}

// TestB22_NoFlippedBitBringsACommandBack flips every bit of the memory.
func TestB22_NoFlippedBitBringsACommandBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var all []wire.Signed
	for range 2 {
		all = append(all, r.sign(r.command(cordon()), alice))
		want(t, r.Judge("api", all[len(all)-1]), "accepted")
	}
	text := r.read()
	for i := range text {
		flipped := bytes.Clone(text)
		flipped[i] ^= 1 << (i % 8)
		r.reopen(flipped)
		for _, signed := range all {
			if want(t, r.Judge("api", signed), rules.KindReplayed); t.Failed() {
				t.Fatalf("byte %d: %q", i, flipped)
			}
		}
		if !strings.Contains(r.logged.String(), "damaged") {
			t.Fatalf("byte %d: nothing is said", i)
		}
	}
	// Commands that are surely new are taken all the same.
	r.after(31 * time.Second)
	want(t, r.judge(cordon(), alice), "accepted")
}

func TestOperator157_B22_AFreezeIsKeptOverARestart(t *testing.T) {
	r := newRig(t)
	c := r.judge(mesh.FreezeCluster{TTL: time.Hour}, alice, bob)
	want(t, c, "accepted")
	r.after(10 * time.Minute).restart()
	if got := r.FreezeRemaining(); got != 50*time.Minute {
		t.Errorf("%v are left, want 50m", got)
	}
	r.after(-time.Hour).restart()
	if got := r.FreezeRemaining(); got != time.Hour {
		t.Errorf("%v are left after the clock stepped back, want never more than there were", got)
	}
	r.after(20 * time.Minute)
	want(t, r.judge(mesh.ThawCluster{}, alice), "accepted")
	r.restart()
	if got := r.FreezeRemaining(); got != 0 {
		t.Errorf("%v are left after a thaw", got)
	}
	want(t, r.judge(mesh.FreezeCluster{TTL: time.Minute}, alice, bob), "accepted")
	r.after(22 * time.Minute).restart()
	if got := r.FreezeRemaining(); got != 0 {
		t.Errorf("%v are left after its end", got)
	}
}

func TestB20_AFreezeOfANodeWithoutOperatorsIsKeptToo(t *testing.T) {
	r := newRig(t, func(r *rig) { r.opts.Signers = "" })
	want(t, r.judge(mesh.FreezeCluster{TTL: time.Hour}), "unverified")
	want(t, r.judge(mesh.FreezeCluster{TTL: 25 * time.Hour}), "unverified") // the core rejects it
	r.restart()
	if got := r.FreezeRemaining(); got != time.Hour {
		t.Errorf("%v are left, want 1h", got)
	}
}

func TestB22_AClockSetBackBringsNoCommandBack(t *testing.T) {
	r := newRig(t)
	old := r.sign(r.command(cordon()), alice)
	want(t, r.Judge("api", old), "accepted")
	r.after(time.Hour)
	want(t, r.judge(cordon(), alice), "accepted")
	for range 2 {
		r.after(time.Second)
		want(t, r.Judge("api", old), rules.KindReplayed)
		r.restart()
	}
	r.after(time.Minute)
	want(t, r.judge(cordon(), alice), "accepted")
}

func TestB22_CommandsAtOnceAreWrittenTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var all sync.WaitGroup
	signed := make([]wire.Signed, 200)
	for i := range signed {
		signed[i] = r.sign(r.command(cordon()), alice)
		all.Go(func() { want(t, r.Judge("api", signed[i]), "accepted") })
	}
	all.Wait()
	r.restart()
	for _, s := range signed {
		want(t, r.Judge("other", s), rules.KindReplayed)
	}
}

func TestWithoutADiskOnlyAThawPasses(t *testing.T) {
	r := newRig(t)
	_ = r.Close() // the file fails from here on, and a new one can't be made:
	if err := os.RemoveAll(filepath.Dir(r.memory())); err != nil {
		t.Fatal(err)
	}
	c := r.command(cordon())
	want(t, r.Judge("api", r.sign(c, alice)), rules.KindStoreUnavailable)
	want(t, r.judge(freeze(), alice, bob), rules.KindStoreUnavailable)
	thaw := r.sign(r.command(mesh.ThawCluster{}), alice)
	want(t, r.Judge("api", thaw), "accepted")
	want(t, r.Judge("api", thaw), rules.KindReplayed)
	if err := os.MkdirAll(filepath.Dir(r.memory()), 0o700); err != nil {
		t.Fatal(err)
	}
	want(t, r.Judge("api", r.sign(c, alice)), "accepted") // it was not used up
	want(t, r.judge(freeze(), alice, bob), "accepted")    // nor was a cooldown armed
	r.restart()
	want(t, r.Judge("api", thaw), rules.KindReplayed)
	want(t, r.Judge("api", r.sign(c, alice)), rules.KindReplayed)
}

// A thaw passes without a disk. Once there is one again the freeze must not come back.
func TestB22_AThawThatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	r := newRig(t)
	want(t, r.judge(freeze(), alice, bob), "accepted")
	r.Settled(mesh.JudgedCommit{Event: freeze()}, 1)
	_ = r.Close()
	dir := filepath.Dir(r.memory())
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	want(t, r.judge(mesh.ThawCluster{}, alice), "accepted")
	r.Settled(mesh.JudgedCommit{Event: mesh.ThawCluster{}}, 2)
	thawed := &snapshot.Snapshot{Node: 1, TakenAt: begin(), Audit: []mesh.AuditRecord{{Seq: 2}}}
	r.Observe(thawed)
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	r.after(5*time.Second - 1).Observe(thawed) // not at every tick
	if before := r.read(); !bytes.Contains(before, []byte("freeze")) {
		t.Errorf("written at once: %s", before)
	}
	r.after(5 * time.Second).Observe(thawed)
	r.restart()
	if left := r.FreezeRemaining(); left != 0 {
		t.Errorf("frozen for another %v", left)
	}
}

// TestMain is also the process that TestP2 kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("OPERATOR_TEST_VICTIM"); dir != "" {
		victim(dir)
		return
	}
	os.Exit(m.Run())
}

// victim judges the commands that it reads, and prints the verdicts.
func victim(dir string) {
	policy := rules.Policy{Cluster: "c", Freshness: 5 * time.Minute, FutureSkew: 30 * time.Second, Cooldown: 5 * time.Minute}
	a, err := operator.Open(operator.Options{
		Policy: policy, Signers: filepath.Join(dir, "signers"), DataDir: dir, Now: begin, Log: nowhere(),
	})
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		payload, signature, _ := strings.Cut(lines.Text(), " ")
		p, _ := hex.DecodeString(payload)
		s, _ := hex.DecodeString(signature)
		fmt.Println(a.Judge("api", wire.Signed{Payload: p, Signatures: [][]byte{s}}).Outcome.Verdict)
	}
}

// TestP2_WhatWasAcceptedIsRememberedAfterSIGKILL kills a process in the middle of
// its work, again and again.
func TestP2_WhatWasAcceptedIsRememberedAfterSIGKILL(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_ = r.Close()
	for round := range 15 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "OPERATOR_TEST_VICTIM="+r.opts.DataDir)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var sent []wire.Signed
		for range 40 {
			c := r.command(cordon())
			c.IssuedAt = timestamppb.New(begin())
			signed := r.sign(c, alice)
			sent = append(sent, signed)
			if _, err := fmt.Fprintf(in, "%x %x\n", signed.Payload, signed.Signatures[0]); err != nil {
				t.Fatal(err)
			}
		}
		answers, answered := bufio.NewScanner(out), 0
		for answered < 1+round*2 && answers.Scan() {
			if answers.Text() != fmt.Sprint(mesh.VerdictAccepted) {
				t.Fatalf("answer %q", answers.Text())
			}
			answered++
		}
		_ = cmd.Process.Kill()
		for answers.Scan() {
			answered++
		}
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
		r.open()
		for i, signed := range sent[:answered] {
			if want(t, r.Judge("api", signed), rules.KindReplayed); t.Failed() {
				t.Fatalf("round %d: command %d of %d that were answered", round, i, answered)
			}
		}
		_ = r.Close()
	}
}
