package signers_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // machines of tests may have no zones

	"golang.org/x/sync/errgroup"

	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/testneeds"
)

// stricter are the beginnings of what is a mistake here and none for ssh-keygen: names that
// people can't tell apart, what was not meant, and what can't be quoted in a record.
var stricter = []string{
	"the principal ", // characters that nobody sees; look-alikes
	"contains bytes that are not text",
	"contains the control character",
	"the first field must name principals", // empty items, only excluded ones
	"option namespaces must name",          // the same
	"option namespaces is given twice",     // ssh-keygen knows only two of the three
	"options are separated by single commas",
	"certificate authorities are not supported", // each operator's own key has to be there
	"option cert-authority is given twice",
	"\"20260230\" is not a time", "\"20260615120060Z\" is not a time", // days and seconds that there are not
}

// keygen asks the real program whether alice may sign.
type keygen struct {
	program, dir, sig string
	key               sshsig.Key
}

func newKeygen(t *testing.T) (k keygen, keyText string) {
	t.Helper()
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		testneeds.Missing(t, "needs ssh-keygen, of openssh-client")
	}
	key, text, signer := newKey(t, 1)
	raw, err := sshsig.Sign(signer, ours, []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	k = keygen{program, t.TempDir(), "", key}
	k.sig = filepath.Join(k.dir, "sig")
	if err := os.WriteFile(k.sig, sshsig.Armor(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return k, text
}

// The time at which alice signs, and the zone of the files.
const (
	when     = "20260615120000"
	zoneName = "Europe/Berlin"
	zoneTZ   = "TZ=CET-1CEST,M3.5.0,M10.5.0/3"
)

// verdicts returns what ssh-keygen and this package say to a file, and this package's error.
func (k keygen) verdicts(t *testing.T, name, text string) (theirs, mine bool, said string, why error) {
	t.Helper()
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(k.dir, name)
	// A byte-order mark is the one thing that is read here and not there.
	if err := os.WriteFile(file, bytes.TrimPrefix([]byte(text), []byte("\ufeff")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), k.program, "-Y", "verify", "-Overify-time="+when+"Z", "-n", ours, "-I", "alice", "-f", file, "-s", k.sig)
	cmd.Env = append(os.Environ(), zoneTZ)
	cmd.Stdin = strings.NewReader("payload")
	out, err := cmd.CombinedOutput()
	theirs = err == nil
	set, why := signers.Parse("f", text, zone)
	if why != nil {
		return theirs, false, string(out), why
	}
	found, err := set.Find(k.key, ours, at("2026-06-15 12:00:00"))
	return theirs, err == nil && found.Is("alice"), string(out), nil
}

// compare reports a file that is read in another way than by ssh-keygen, except for the
// stricter rules.
func (k keygen) compare(t *testing.T, name, text string) (accepted bool) {
	t.Helper()
	theirs, mine, said, why := k.verdicts(t, name, text)
	if mine == theirs {
		return mine
	}
	var damage *signers.Damage
	if theirs && errors.As(why, &damage) {
		for _, begin := range stricter {
			if strings.HasPrefix(strings.TrimPrefix(damage.Problems[0].Message, "option valid-after: "), begin) ||
				strings.HasPrefix(strings.TrimPrefix(damage.Problems[0].Message, "option valid-before: "), begin) {
				return mine
			}
		}
	}
	t.Errorf("%q\nhere: %v (%v), ssh-keygen: %v\n%s", text, mine, why, theirs, said)
	return mine
}

// TestB21_SSHKeygenReadsFilesTheSameWay asks the real program about each line.
func TestB21_SSHKeygenReadsFilesTheSameWay(t *testing.T) {
	k, text := newKeygen(t)
	for i, line := range []string{
		"alice " + text,
		"bob,al?ce " + text,
		"*,!bob " + text,
		"*,!alice " + text,
		`"alice" ` + text,
		`al"ice" ` + text,
		`al"ice"` + text,
		`alice namespaces="meshos-admin" ` + text,
		`alice namespaces="git,meshos-*" ` + text,
		`alice namespaces="git" ` + text,
		`alice namespaces="*,!meshos-admin" ` + text,
		`alice Namespaces="meshos-admin",valid-after="20260615115959Z" ` + text,
		`alice valid-after="` + when + `Z" ` + text,
		`alice valid-after="20260615120001Z" ` + text,
		`alice valid-before="` + when + `Z" ` + text,
		`alice valid-before="20260615115959Z" ` + text,
		`alice valid-after="20260615130000" ` + text, // 12:00 UTC, if summer time did not count
		`alice valid-after="20260615130001" ` + text,
		`alice valid-before="20260615130000" ` + text,
		`alice valid-before="20260615125959" ` + text,
		`alice valid-after="202606151200Z",valid-before="20270101Z" ` + text,
		`alice valid-after="20270101Z",valid-before="20270101Z" ` + text,
		`alice valid-after="19600101Z" ` + text,
		`alice valid-after="2026" ` + text,
		`alice valid-after=20260101Z ` + text,
		`alice no-such-option ` + text,
		`alice namespaces="git ` + text,
		"alice ssh-ed25519 AAAA",
		"alice",
		"\u00a0alice " + text,
		"\u2003 alice " + text,
		"\valice " + text,
		strings.Repeat("a", 1022) + ",alice " + text,
		"alice," + strings.Repeat("a", 1023) + " " + text,
		`alice namespaces="` + strings.Repeat("a", 1023) + `,meshos-admin" ` + text,
	} {
		k.compare(t, fmt.Sprint(i), line+"\n")
	}
}

// TestB21_SSHKeygenReadsGeneratedFilesTheSameWay puts lines together at random.
func TestB21_SSHKeygenReadsGeneratedFilesTheSameWay(t *testing.T) {
	k, text := newKeygen(t)
	const files, atOnce = 600, 4
	words := rand.New(rand.NewPCG(11, 7))
	var mu sync.Mutex
	accepted := 0
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i := range files {
		content := randomFile(words, text)
		all.Go(func() error {
			if k.compare(t, fmt.Sprint(i), content) {
				mu.Lock()
				accepted++
				mu.Unlock()
			}
			return nil
		})
	}
	_ = all.Wait()
	if accepted < files/10 || accepted > files*9/10 {
		t.Errorf("%d of %d files are accepted: they prove little", accepted, files)
	}
}

// randomFile returns a file with comments, blank lines and one line about the key.
func randomFile(words *rand.Rand, keyText string) string {
	pick := func(of ...string) string { return of[words.IntN(len(of))] }
	often := func(usual string, of ...string) string {
		if words.IntN(100) < 88 {
			return usual
		}
		return pick(of...)
	}
	kind, blob, _ := strings.Cut(keyText, " ")
	var names []string
	for range 1 + words.IntN(3) {
		names = append(names, often(pick("alice", "bob", "*", "a*e"), "!bob", "al?ce", "!alice", "Alice", "al\u200bice", "аlice", "alice\u00a0", "", "!", "\u00fcli"))
	}
	field := strings.Join(names, ",")
	switch words.IntN(8) {
	case 0:
		field = `"` + field + `"`
	case 1:
		field = field[:len(field)/2] + `"` + field[len(field)/2:] + `"`
	case 2:
		field += `"`
	}
	var options []string
	for range words.IntN(4) {
		options = append(options, often(
			pick(`namespaces="meshos-admin"`, `valid-after="20260101Z"`, `valid-before="20270101"`, `NAMESPACES="git,meshos-*"`),
			`namespaces="git"`, `namespaces=""`, `namespaces="*,!meshos-admin"`, `valid-after="20260615130000"`, `valid-before="20260615115959Z"`,
			`valid-before="20260230"`, `valid-before="20260615120060Z"`, `valid-after=20260101`, `cert-authority`, `touch`, ``, `namespaces="a\"b,*"`, `valid-after="`,
		))
	}
	space := func() string { return often(" ", "\t", "  ", " \t ", "\u00a0", "\u2003") }
	line := field + space()
	if len(options) > 0 {
		line += strings.Join(options, often(",", ", ", ",,")) + space()
	}
	line += often(kind, "ssh-rsa", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256") + space() +
		often(blob, blob+"=", blob[:len(blob)-4], blob[:len(blob)-1]+"=", "AAAA", blob+"AAAA", "")
	line = often("", "  ", "\t", "\u00a0", "\ufeff") + line + often("", " a comment", " über", "\r", " #", "\u00a0x", " \xff")
	return often("", "\ufeff") + often("", "# keys\n", "\n", "  \r\n", " \t# x\n") + line + often("\n", "", "\r\n", "\n\n#")
}
