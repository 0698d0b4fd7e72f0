package signers_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/operator/sshsig"
)

// newKey returns a key, and its text in a file.
func newKey(t testing.TB, seed byte) (sshsig.Key, string, ssh.Signer) {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(append(make([]byte, 31), seed)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := sshsig.ParseKey(signer.PublicKey().Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return key, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), signer
}

func parse(t testing.TB, text string) *signers.Set {
	t.Helper()
	set, err := signers.Parse("f", text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func at(text string) time.Time {
	out, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return out
}

const ours = signers.Namespace

func TestALineGivesItsPrincipals(t *testing.T) {
	key, text, _ := newKey(t, 1)
	for line, name := range map[string]string{
		"alice " + text:                                  "alice",
		"alice\t" + text + " her laptop":                 "alice",
		"  alice " + text + "\r":                         "alice",
		"alice,bob " + text:                              "alice",
		`"alice smith" ` + text:                          "alice smith",
		"!eve,*@example.com " + text:                     "*@example.com",
		`alice namespaces="git,meshos-*" ` + text:        "alice",
		`alice NAMESPACES="*",no-touch-required ` + text: "alice",
	} {
		got, err := parse(t, "# a comment\n\n"+line+"\n").Find(key, ours, at("2026-01-01 00:00:00"))
		if err != nil || got.Name != name {
			t.Errorf("%s: %q, %v, want %s", line, got.Name, err, name)
		}
	}
}

func TestLinesForOtherUsesAreLeftOut(t *testing.T) {
	key, text, _ := newKey(t, 1)
	set := parse(t, strings.Join([]string{
		`ci namespaces="git" ssh-rsa AAAAB3NzaC1yc2E`,
		`ca cert-authority,namespaces="file" ` + text,
		`alice namespaces="*,!meshos-admin" ` + text,
	}, "\n"))
	if len(set.Entries()) != 0 {
		t.Errorf("got %+v", set.Entries())
	}
	if who, err := set.Find(key, ours, time.Now()); who.Name != "alice" || !errors.Is(err, signers.ErrNamespace) {
		t.Errorf("got %+v, %v", who, err)
	}
	if others := set.Others(); len(others) != 1 || others[0].Key != key || others[0].Line != 3 {
		t.Errorf("others: %+v", others)
	}
}

func TestDamageIsReportedWithItsLine(t *testing.T) {
	_, text, _ := newKey(t, 1)
	// Base64 of which the last character has bits that stand for nothing.
	loose := strings.TrimSuffix(base64.StdEncoding.EncodeToString(ssh.Marshal(struct {
		Type        string
		Public      []byte
		Application string
	}{sshsig.TypeSKEd25519, make([]byte, 32), "ssh:"})), "o=") + "p="
	for line, want := range map[string]string{
		"alice":                  "needs principals, a key type and a key",
		"alice ssh-ed25519":      "needs principals",
		"alice ssh-ed25519 !!!!": "is not base64",
		"alice ssh-ed25519 AAAA": "the key is damaged",
		"alice sk-ssh-ed25519@openssh.com " + strings.Fields(text)[1]:    "the line says sk-ssh-ed25519@openssh.com, but the key is of type ssh-ed25519",
		"alice ssh-rsa AAAAB3NzaC1yc2E":                                  "a key of type ssh-rsa may not sign commands",
		"alice cert-authority " + text:                                   "certificate authorities are not supported",
		"alice namespaces=git " + text:                                   "needs a value in double quotes",
		`alice namespaces="git ` + text:                                  "no closing quote",
		`alice namespaces="" ` + text:                                    "must name a namespace",
		`alice valid-after="2026" ` + text:                               "is not a time",
		`alice valid-after="20260230" ` + text:                           "there is no such day",
		`alice valid-after="20270101",valid-before="20260101" ` + text:   "never be valid",
		`alice no-touch-required="yes" ` + text:                          "takes no value",
		`alice namespaces="a",namespaces="b" ` + text:                    "given twice",
		"alice no-pty " + text:                                           "is not known",
		`alice namespaces="meshos-admin", ` + text:                       "single commas",
		"alice,,bob " + text:                                             "must name principals",
		"!alice " + text:                                                 "must name principals",
		"al\x00ice " + text:                                              "not text",
		"al\xffice " + text:                                              "not text",
		`alice valid-after="20270101Z",valid-before="20270101Z" ` + text: "never be valid",
		`alice valid-before="19691231Z" ` + text:                         "is before 1970",
		"alice sk-ssh-ed25519@openssh.com " + loose:                      "is not base64",
		strings.Repeat("a", 1023) + " " + text:                           "ssh-keygen would match nothing with it",
		`alice namespaces="` + strings.Repeat("a", 1023) + `*" ` + text:  "ssh-keygen would match nothing with it",
	} {
		_, err := signers.Parse("signers", "bob "+text+"\n"+line+"\n", time.UTC)
		var damage *signers.Damage
		if !errors.As(err, &damage) || len(damage.Problems) != 1 || damage.Problems[0].Line != 2 {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), "signers:2: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
}

func TestAllMistakesAreReportedAtOnceWithinBounds(t *testing.T) {
	_, err := signers.Parse("f", strings.Repeat("nonsense\n", 50), time.UTC)
	var damage *signers.Damage
	if !errors.As(err, &damage) || len(damage.Problems) != 50 {
		t.Fatalf("got %v", err)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 21 || lines[20] != "f: and 30 more" {
		t.Errorf("shown in %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	for name, text := range map[string]string{
		"large": strings.Repeat("#", signers.MaxSize+1), "long": strings.Repeat("\n", signers.MaxLines+1),
		"broad": strings.Repeat("a", signers.MaxLine) + " ssh-ed25519 AAAA",
	} {
		if _, err := signers.Parse("f", text, time.UTC); err == nil {
			t.Errorf("a %s file is taken", name)
		}
	}
}

func TestAMissingFileIsAnError(t *testing.T) {
	if _, err := signers.Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestB21_ValidityEndsAtItsSecond(t *testing.T) {
	key, text, _ := newKey(t, 1)
	set := parse(t, `alice valid-after="202601021030",valid-before="20260103" `+text)
	for when, want := range map[string]error{
		"2026-01-02 10:29:59": signers.ErrTooEarly,
		"2026-01-02 10:30:00": nil,
		"2026-01-03 00:00:00": nil,
		"2026-01-03 00:00:01": signers.ErrExpired,
	} {
		got, err := set.Find(key, ours, at(when))
		if !errors.Is(err, want) || got.Name != "alice" {
			t.Errorf("%s: %q, %v, want %v", when, got.Name, err, want)
		}
	}
	if _, err := set.Find(key, ours, at("2026-01-03 00:00:00").Add(999*time.Millisecond)); err != nil {
		t.Errorf("within its last second: %v", err)
	}
}

func TestB21_TimesOfOpenSSH(t *testing.T) {
	zone := time.FixedZone("east", 2*3600)
	key, text, _ := newKey(t, 1)
	for written, want := range map[string]string{
		"20260102":          "2026-01-01 22:00:00",
		"20260102Z":         "2026-01-02 00:00:00",
		"20260102UTC":       "2026-01-02 00:00:00",
		"202601020304":      "2026-01-02 01:04:00",
		"202601020304z":     "2026-01-02 03:04:00",
		"20260102030405":    "2026-01-02 01:04:05",
		"20260102030405Z":   "2026-01-02 03:04:05",
		"20260102030405utc": "2026-01-02 03:04:05",
	} {
		set, err := signers.Parse("f", fmt.Sprintf("alice valid-after=%q %s", written, text), zone)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if _, err := set.Find(key, ours, at(want)); err != nil {
			t.Errorf("%s: %v", written, err)
		}
		if _, err := set.Find(key, ours, at(want).Add(-time.Second)); err == nil {
			t.Errorf("%s is earlier than %s", written, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	_, text, _ := newKey(f, 1)
	f.Add("alice " + text)
	f.Add(`"a b",c namespaces="meshos-admin",valid-after="20260102",valid-before="20270102Z" ` + text + " x")
	f.Add(`alice no-touch-required ` + text + "\n# x\n\nbob " + text)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := signers.Parse("f", text, time.UTC)
		if err != nil {
			var damage *signers.Damage
			if !errors.As(err, &damage) || len(damage.Problems) == 0 {
				t.Fatalf("an error without problems: %v", err)
			}
			return
		}
		for _, e := range set.Entries() {
			if e.Name() == "" || e.Line == 0 {
				t.Errorf("an entry without a name: %+v", e)
			}
			_, _ = set.Find(e.Key, ours, time.Now())
		}
		if got := signers.Changes(set, set); len(got) != 0 {
			t.Errorf("a set differs from itself: %v", got)
		}
	})
}
