package mesh

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// guest is the node that is no member.
const guest = 6

// aStolenToken has a node try to link without a token, join with one, and be expelled; and
// another one come with the same token.
func aStolenToken(w *world, o *orders) {
	n := w.lab.Node(guest)
	aStranger(w)

	w.guests++
	id := len(five) + w.guests
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	token, err := w.lab.Node(1).Token(ctx, id, false)
	if err != nil {
		w.t.Fatal(err)
	}
	join := func() {
		w.reset(guest)
		if err := n.Use(ctx, token, false); err != nil {
			w.t.Fatal(err)
		}
		w.start(guest)
	}
	join()
	w.until(guest, "is a member", func(s *meshosv1.Snapshot) bool { return s.GetMesh().GetMember() })
	w.cordon(o, guest, "on the new member")

	before := w.usedTwice(1)
	join() // with a key of its own: whoever has stolen the token
	w.wait(func() string { return "node 1 says that the token was used twice" }, func() bool { return w.usedTwice(1) > before })
	w.neverLinked()

	w.eventually(1, w.breakGlass(1, "ice", "expel-node", strconv.Itoa(id))...)
	w.stop(guest)

	// And who is expelled while it is linked, is off.
	w.guests++
	id = len(five) + w.guests
	if token, err = w.lab.Node(1).Token(ctx, id, false); err != nil {
		w.t.Fatal(err)
	}
	join()
	w.until(guest, "is linked", func(s *meshosv1.Snapshot) bool {
		return s.GetMesh().GetMember() && s.GetMesh().GetLink().GetConnected()
	})
	w.eventually(1, w.breakGlass(1, "ice", "expel-node", strconv.Itoa(id))...)
	began := time.Now()
	w.until(guest, "has lost its link", func(s *meshosv1.Snapshot) bool { return !s.GetMesh().GetLink().GetConnected() })
	w.t.Logf("an expelled node knew that it is off after %s", time.Since(began).Round(time.Millisecond))
	reason := o.next("on a node that was expelled")
	if err := w.publish(ctx, guest, reason); err == nil {
		w.t.Error("an order was accepted on a node that was expelled")
	} else {
		o.refused = append(o.refused, reason)
	}
	w.stop(guest)
}

// aStranger is a node of another mesh, of its own, that comes to the seeds of this one.
func aStranger(w *world) {
	n := w.lab.Node(guest)
	w.reset(guest)
	w.must(guest, "mesh", "init", "--listen", n.Listen())
	text, err := os.ReadFile(n.Config())
	if err != nil {
		w.t.Fatal(err)
	}
	changed := regexp.MustCompile(`(?m)^listen = ".*:7420"\n`).ReplaceAllString(string(text), "")
	changed = strings.Replace(changed, strconv.Quote(n.Listen()), strconv.Quote(w.lab.Node(1).Listen()), 1)
	if err := os.WriteFile(n.Config(), []byte(changed), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.start(guest)
	w.until(guest, "was refused", func(s *meshosv1.Snapshot) bool { return s.GetMesh().GetLink().GetError() != "" })
	w.neverLinked()
	w.stop(guest)
}

// neverLinked fails the test if the guest is linked with the mesh, or has something of it.
func (w *world) neverLinked() {
	w.t.Helper()
	s := w.until(guest, "answers", func(*meshosv1.Snapshot) bool { return true })
	if m := s.GetMesh(); m.GetLink().GetConnected() || m.GetHeight() > 1 {
		w.t.Errorf("who is no member is linked, or has the log: %v", m)
	}
}

// usedTwice returns how often a node has said that somebody came with a token that was used.
func (w *world) usedTwice(id int) (n int) {
	for _, f := range w.until(id, "answers", func(*meshosv1.Snapshot) bool { return true }).GetRecentFailures() {
		if f.GetSource() == "mesh:log" {
			n++
		}
	}
	return n
}

// reset makes a node new.
func (w *world) reset(id int) {
	w.t.Helper()
	w.stop(id)
	if err := w.lab.Reset(id); err != nil {
		w.t.Fatal(err)
	}
}
