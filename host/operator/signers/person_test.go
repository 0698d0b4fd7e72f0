package signers_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/host/operator/signers"
)

func TestB21_KeysOfOnePersonCountOnce(t *testing.T) {
	for _, c := range []struct {
		principals string // of one key each
		want       int
	}{
		{"", 0},
		{"alice", 1},
		{"alice bob", 2},
		{"alice alice", 1},
		{"alice alice,bob", 1},
		{"alice,bob alice bob", 2}, // the shared key is neither's alone
		{"alice,bob bob,carol carol,dave", 2},
		{"*@example.com alice@example.com", 1},
		{"*@example.com alice@example.org", 2},
		{"*@example.com alice@*", 1}, // may be the same person
		{"*,!alice alice", 1},
		{"alice bob carol", 3},
	} {
		var file strings.Builder
		var all []signers.Signer
		lists := strings.Fields(c.principals)
		for i, list := range lists {
			_, text, _ := newKey(t, byte(i+1))
			fmt.Fprintln(&file, list, text)
		}
		set := parse(t, file.String())
		for i := range lists {
			key, _, _ := newKey(t, byte(i+1))
			s, err := set.Find(key, ours, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		if got := signers.Persons(all); got != c.want {
			t.Errorf("%q: %d persons, want %d", c.principals, got, c.want)
		}
		slices.Reverse(all)
		if got := signers.Persons(all); got != c.want {
			t.Errorf("%q backwards: %d persons, want %d", c.principals, got, c.want)
		}
	}
}

func TestAKeyOnTwoLinesStandsForBoth(t *testing.T) {
	key, text, _ := newKey(t, 1)
	other, second, _ := newKey(t, 2)
	set := parse(t, "alice valid-before=\"20200101\" "+text+"\nbob "+text+"\ncarol "+text+"\ncarol "+second)
	a, err := set.Find(key, ours, at("2026-01-01 00:00:00"))
	if err != nil || a.Name != "bob" {
		t.Errorf("got %q, %v, want the first line that holds", a.Name, err)
	}
	b, err := set.Find(other, ours, at("2026-01-01 00:00:00"))
	if err != nil {
		t.Fatal(err)
	}
	if got := signers.Persons([]signers.Signer{a, b}); got != 1 {
		t.Errorf("%d persons, want 1: carol has both keys", got)
	}
}

func TestChangesNameBothFingerprints(t *testing.T) {
	one, first, _ := newKey(t, 1)
	two, second, _ := newKey(t, 2)
	three, third, _ := newKey(t, 3)
	before := parse(t, "alice "+first+"\nbob "+second+"\n")
	for text, want := range map[string][]string{
		"bob " + second + "\nalice " + first: nil,
		"alice " + third + "\nbob " + second: {
			"operator alice: key " + one.Fingerprint() + " replaced by " + three.Fingerprint() + " (principals alice)",
		},
		"bob " + second: {"operator alice: key " + one.Fingerprint() + " removed"},
		"alice " + first + "\nbob " + second + "\ncarol " + third: {
			"operator carol: key " + three.Fingerprint() + " added (principals carol)",
		},
		`alice valid-before="20300101Z" ` + first + "\ndave " + second: {
			"operator alice: rules of key " + one.Fingerprint() + " changed from principals alice to principals alice; valid-before 2030-01-01T00:00:00Z",
			"operator dave: rules of key " + two.Fingerprint() + " changed from principals bob to principals dave",
		},
		"": {
			"operator alice: key " + one.Fingerprint() + " removed",
			"operator bob: key " + two.Fingerprint() + " removed",
		},
	} {
		var got []string
		for _, c := range signers.Changes(before, parse(t, text)) {
			got = append(got, c.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestALargeFileMayChangeAsAWhole replaces every key of a large file: comparing each
// line with each other one would take the better part of a minute.
func TestALargeFileMayChangeAsAWhole(t *testing.T) {
	const operators = 9_000
	file := func(salt byte) *signers.Set {
		var text strings.Builder
		seed := append(make([]byte, 31), salt)
		for i := range operators {
			binary.BigEndian.PutUint32(seed, uint32(i))
			key, err := ssh.NewPublicKey(ed25519.PublicKey(seed)) // nobody signs with it
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "op%d %s", i, ssh.MarshalAuthorizedKey(key))
		}
		return parse(t, text.String())
	}
	before, after := file(1), file(2)
	changes := signers.Changes(before, after)
	for _, c := range changes {
		if c.Old == nil || c.New == nil || c.Old.Name() != c.New.Name() {
			t.Fatalf("%s: not paired", c)
		}
	}
	if got := after.Persons(); got != operators {
		t.Errorf("%d persons, want %d", got, operators)
	}
	if len(changes) != operators {
		t.Errorf("%d changes, want %d", len(changes), operators)
	}
}
